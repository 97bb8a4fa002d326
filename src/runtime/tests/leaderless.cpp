// leaderless FILE: a process whose first thread ends while another one goes on. Writes its pid to FILE when
// that is so.
#include <pthread.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

namespace {

bool leader_has_ended() {
  std::ifstream file("/proc/" + std::to_string(getpid()) + "/stat");
  std::string stat;
  std::getline(file, stat);
  return stat.contains(") Z ");
}

void* go_on(void* argument) {
  const std::string path = static_cast<const char*>(argument);
  while (!leader_has_ended()) usleep(1000);
  std::ofstream(path + ".tmp") << getpid() << '\n';
  std::rename((path + ".tmp").c_str(), path.c_str());
  sleep(60);
  _exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  pthread_t thread{};
  if (pthread_create(&thread, nullptr, go_on, argv[1]) != 0) return 1;
  pthread_exit(nullptr);
}
