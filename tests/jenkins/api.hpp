// The routes of the double: one request of one caller.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tests/jenkins/fake_jenkins.hpp"
#include "tests/jenkins/pages.hpp"
#include "tests/jenkins/views.hpp"

namespace footman::fake_jenkins {

class Api {
 public:
  Api(FakeJenkins& jenkins, const Request& request);
  Answer answer();
  // "POST /computer/*/doDelete": what calls are counted by.
  std::string kind() const;

 private:
  using Segments = std::span<const std::string>;
  struct Caller {
    std::string name = "anonymous";
    bool anonymous = true;
    bool by_password = false;
    Rights rights;
  };

  Answer route();
  std::optional<Answer> authenticate();
  Answer answer_while_unsure();
  std::optional<Answer> route_open();  // what needs no right
  Answer route_queue(Segments rest);
  Answer route_computers(Segments rest);
  Answer route_computer(Computer& computer, Segments rest);
  Answer route_label(Segments rest);
  Answer route_jobs(Segments rest);
  Answer route_job(Job& job, Segments rest);
  Answer route_run(Run& run, Segments rest);
  Answer route_process();

  Answer create_node();
  Answer toggle_offline(Computer& computer);
  Answer disconnect(Computer& computer);
  Answer delete_node(Computer& computer);
  Answer show_secret(const Computer& computer);
  Answer trigger(Job& job, bool with_parameters);
  Answer cancel_item();
  Answer show_flow(const Run& run);

  using Show = std::function<boost::json::value(const Selection&)>;
  Answer json(const Show& show);
  Answer json_text(std::string text);
  std::optional<Answer> need(Right right);
  Answer not_found() const { return make_not_found(page_); }
  Answer oops(int status);
  bool is(std::string_view method) const { return request_.method == method; }
  bool is_get() const { return is("GET") || is("HEAD"); }
  void watch_node(const Computer& computer, std::string_view what);
  std::string form_field(std::string_view name) const;

  FakeJenkins& jenkins_;
  const Request& request_;
  Target target_;
  PageContext page_;
  Language language_;
  Caller caller_;
  Views views_;
};

// What /jnlpJars/agent.jar gives: an archive with one file, "a", which is empty. The stand-in for java wants
// no more.
inline constexpr std::string_view kAgentJar(
    "PK\3\4\24\0\0\0\0\0\0\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0a"
    "PK\1\2\24\3\24\0\0\0\0\0\0\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\200\1\0\0\0\0a"
    "PK\5\6\0\0\0\0\1\0\1\0/\0\0\0\37\0\0\0\0\0",
    100);

// The table of steps on the flow graph page of a run that waits for nodes, or runs on some: its blocks, not
// their steps. `path` is the run's, as the page was asked for.
std::string show_flow_table(const Run& run, const Job& job, std::string_view path, base::Instant now);

}  // namespace footman::fake_jenkins
