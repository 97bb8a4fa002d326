// A server that does what a test says, on real sockets and a thread of its own; and footman run against it.
#pragma once

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cli/context.hpp"
#include "cli/server_process.hpp"
#include "net/http_server.hpp"
#include "net/tcp.hpp"
#include "runtime/post.hpp"
#include "runtime/real/clock.hpp"
#include "runtime/real/thread.hpp"
#include "runtime/scope.hpp"

namespace footman::cli::test {

struct Ran {
  int code = -1;
  std::string out;
  std::string err;
};

class TextOutput final : public Output {
 public:
  explicit TextOutput(bool terminal = false, std::size_t width = 0) : terminal_(terminal), width_(width) {}
  void write(std::string_view text) override {
    if (closed_after != 0 && text_.size() + text.size() > closed_after) throw OutputClosed();
    text_ += text;
  }
  bool is_terminal() const override { return terminal_; }
  bool colours() const override { return terminal_; }
  std::size_t width() const override { return width_; }
  const std::string& text() const { return text_; }
  std::size_t closed_after = 0;  // bytes; 0: never

 private:
  bool terminal_;
  std::size_t width_;
  std::string text_;
};

using Variables = std::map<std::string, std::string>;

inline int run_words(Output& out, Output& err, const std::vector<std::string>& words,
                     const Variables& variables, std::string input = {}, Programs programs = {}) {
  Context context{out,
                  err,
                  [&](const std::string& name) -> std::optional<std::string> {
                    const auto found = variables.find(name);
                    if (found == variables.end()) return std::nullopt;
                    return found->second;
                  },
                  [&]() -> Result<std::string> { return input; },
                  std::move(programs),
                  &command_tree()};
  return run_in(context, words);
}

inline Ran run_footman(const std::vector<std::string>& words, const Variables& variables = {},
                       std::string input = {}) {
  TextOutput out;
  TextOutput err;
  const int code = run_words(out, err, words, variables, std::move(input));
  return {code, out.text(), err.text()};
}

// A directory that is gone after the test.
struct Place {
  explicit Place(const std::string& name)
      : directory(std::move(
            *TemporaryDirectory::create(std::filesystem::temp_directory_path(), "footman-test-" + name))),
        path(directory.path()) {}
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(path + "/" + name) << text;
    return path + "/" + name;
  }
  TemporaryDirectory directory;
  std::string path;
};

// Reads so many connections once and closes them.
class LosingListener final : public net::Listener {
 public:
  LosingListener(std::unique_ptr<net::Listener> inner, std::atomic<int>& lose, std::atomic<int>& lost)
      : inner_(std::move(inner)), lose_(lose), lost_(lost) {}
  net::Endpoint endpoint() const override { return inner_->endpoint(); }
  Awaitable<Result<runtime::ByteStreamPtr>> accept() override {
    while (true) {
      auto stream = co_await inner_->accept();
      if (!stream || lose_ == 0) co_return stream;
      --lose_;
      ++lost_;
      (void)co_await (*stream)->read(64 * 1024);
    }
  }
  void close() noexcept override { inner_->close(); }

 private:
  std::unique_ptr<net::Listener> inner_;
  std::atomic<int>& lose_;
  std::atomic<int>& lost_;
};

class ScriptServer {
 public:
  using Answer = std::function<net::HttpResponse(const net::HttpRequest& request)>;

  // With `tls` it speaks HTTPS.
  explicit ScriptServer(Answer answer, net::TlsServerContextPtr tls = nullptr)
      : answer_(std::move(answer)), scheme_(tls ? "https" : "http") {
    call([this, tls] { open(tls); });
  }
  ~ScriptServer() {
    call([this] { server_->stop(); });
    std::promise<void> ended;
    runtime::post(thread_.executor(), [&] { last_.spawn("end", join(&ended)); });
    ended.get_future().wait();
    thread_.join();
  }
  ScriptServer(const ScriptServer&) = delete;
  ScriptServer& operator=(const ScriptServer&) = delete;

  std::string url() const { return scheme_ + "://127.0.0.1:" + std::to_string(port_); }
  Variables variables() const { return {{"FOOTMAN_URL", url()}, {"FOOTMAN_TOKEN", "secret-token"}}; }
  // The next `count` connections are read once and closed: their answers are lost.
  void lose_answers(int count) { lose_ = count; }
  int lost() const { return lost_; }

  std::vector<net::HttpRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  // Those to this path.
  std::vector<net::HttpRequest> requests(std::string_view method, std::string_view path) const {
    std::vector<net::HttpRequest> found;
    for (auto& request : requests()) {
      if (request.method == method && request.path == path) found.push_back(request);
    }
    return found;
  }

  // Runs on the server's thread: for what answers read and a test changes.
  template <class Call>
  void call(Call what) {
    std::promise<void> done;
    runtime::post(thread_.executor(), [&] {
      what();
      done.set_value();
    });
    done.get_future().wait();
  }

 private:
  void open(const net::TlsServerContextPtr& tls) {
    server_ = std::make_unique<net::HttpServer>(
        thread_.executor(), thread_.executor(),
        [this](std::shared_ptr<const net::HttpRequest> request) { return handle(this, std::move(request)); },
        net::HttpServerLimits{}, *clock_, base::Logger());
    auto listener = std::move(*net::create_listener(thread_.executor(), *clock_, {"127.0.0.1", 0}, {}));
    port_ = listener->endpoint().port;
    server_->serve(std::make_unique<LosingListener>(std::move(listener), lose_, lost_), tls);
  }

  static Awaitable<net::HttpResponse> handle(ScriptServer* self,
                                             std::shared_ptr<const net::HttpRequest> request) {
    {
      const std::lock_guard lock(self->mutex_);
      self->requests_.push_back(*request);
    }
    co_return self->answer_(*request);
  }

  Awaitable<void> join(std::promise<void>* ended) {
    co_await server_->join();
    ended->set_value();
  }

  Answer answer_;
  std::string scheme_;
  mutable std::mutex mutex_;
  std::vector<net::HttpRequest> requests_;
  std::atomic<int> lose_ = 0;
  std::atomic<int> lost_ = 0;
  std::uint16_t port_ = 0;
  std::unique_ptr<runtime::Clock> clock_ = runtime::real::make_clock();
  runtime::real::Thread thread_{"script-server"};
  runtime::Scope last_{thread_.executor(), {}};
  std::unique_ptr<net::HttpServer> server_;
};

inline net::HttpResponse json_answer(std::string text, int status = 200) {
  net::HttpResponse response;
  response.status = status;
  response.headers.set("Content-Type", "application/json");
  response.body = std::move(text);
  return response;
}

inline net::HttpResponse error_answer(int status, std::string code, std::string message,
                                      std::string rest = "") {
  return json_answer(R"({"error":{"code":")" + code + R"(","message":")" + message + "\"" + rest + "}}",
                     status);
}

inline Awaitable<void> write_pieces(std::shared_ptr<net::BodyWriter> writer, std::vector<std::string> pieces,
                                    bool whole) {
  for (auto& piece : pieces) {
    if (!co_await writer->write(std::move(piece))) co_return;
  }
  if (!whole) throw std::runtime_error("the connection breaks here");
}

// A body in pieces; not whole: the connection breaks after the last one.
inline net::HttpResponse stream_answer(std::vector<std::string> pieces, bool whole,
                                       std::string type = "text/plain") {
  net::HttpResponse response;
  response.headers.set("Content-Type", std::move(type));
  response.stream = [pieces = std::move(pieces), whole](std::shared_ptr<net::BodyWriter> writer) {
    return write_pieces(std::move(writer), pieces, whole);
  };
  return response;
}

}  // namespace footman::cli::test
