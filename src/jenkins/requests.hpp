// Each call of Jenkins' REST API that Footman makes, and what its answer means. Pure.
//
// Jenkins is asked in English and by an API token, for which it wants no crumb. Success of a change is a
// redirect to a page of Jenkins' own; anything else, also a redirect elsewhere or a friendly page, is none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "jenkins/transport.hpp"

namespace footman::jenkins {

using namespace footman::base;

inline constexpr std::size_t kMaxOfflineMessage = 500;  // bytes; the rest is cut

struct NewNode {
  std::string name;
  std::string description;
  std::vector<std::string> labels;
  std::string work_folder;
  bool takes_unlabelled = false;  // builds without a label, besides those with one of its labels
  bool web_socket = false;
};

// Makes requests as one user.
class Requests {
 public:
  Requests(const std::string& user, const Secret& token);

  Request list_queue() const;
  Request list_computers() const;
  Request get_computer(std::string_view node) const;
  Request get_secret(std::string_view node) const;
  Request create_node(const NewNode& node) const;
  // Takes a node offline for builds that have not begun, or back: whichever it is not. Read it first.
  Request toggle(std::string_view node, std::string_view message) const;
  Request delete_node(std::string_view node) const;
  Request get_item(std::int64_t id) const;
  Request get_build(std::string_view build) const;  // "job/app/17/"
  Request get_steps(std::string_view run) const;
  // Of its console, what Jenkins keeps from that byte on.
  Request get_console(std::string_view run, std::size_t start) const;
  Request get_root() const;
  Request get_label(std::string_view expression) const;
  // These need rights that Footman does not.
  Request get_node_configuration(std::string_view node) const;
  Request get_job_configuration(std::string_view job) const;

 private:
  Request get(std::string path) const;
  Request post(std::string path, std::string body) const;
  Secret authorization_;
};

// Where agents of TCP ask for the agent port; of nobody in particular, as they do.
Request find_agent_port();

// Errors of both: unauthenticated (401, or nobody is known: during a start of Jenkins that may pass),
// permission_denied (the sentence names the right that is missing), not_found, already_exists (a node of that
// name), invalid_argument (400 with Jenkins' words), unavailable (not now), corrupt (no answer of Jenkins').
// The message begins with what was asked for.
Status check_read(const Answer& answer, std::string_view what);    // 200
Status check_change(const Answer& answer, std::string_view what);  // the redirect

// Of a JSON answer: it changes with each start of Jenkins. Empty: not told.
std::string find_session(const Answer& answer);
// "2.532". Not on every answer. Empty: not told.
std::string find_version(const Answer& answer);
// Of a part of a console: where the next one begins.
std::optional<std::size_t> find_text_size(const Answer& answer);
// Jenkins' clock when it answered, in whole seconds.
std::optional<Instant> find_date(const Answer& answer);

}  // namespace footman::jenkins
