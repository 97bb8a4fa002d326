// Stands in for footman-agent where ten thousand of them are measured: hands its name and secret over to the
// swarm and waits for its end. The session is the swarm's; the process, its lock and its work directory are
// real.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

int main(int argc, char** argv) {
  std::string name, attempt, secret_file;
  for (int i = 1; i + 1 < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--name") name = argv[i + 1];
    if (flag == "--attempt") attempt = argv[i + 1];
    if (flag == "--secret-file") secret_file = argv[i + 1];
  }
  std::string secret;
  std::ifstream(secret_file) >> secret;
  ::unlink(secret_file.c_str());

  const char* path = std::getenv("SWARM_SOCKET");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path == nullptr || std::strlen(path) >= sizeof(address.sun_path)) return 2;
  std::strcpy(address.sun_path, path);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return 3;
  const std::string line = name + " " + attempt + " " + secret + "\n";
  if (::write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) return 4;
  ::close(fd);
  while (true) ::pause();
}
