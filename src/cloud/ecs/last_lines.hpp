// What agents said last, out of CloudWatch, for people who ask why one ended or never came. A service for
// them and nothing else: one agent at a time, behind all other calls, and whatever fails is only not known.
//
// CloudWatch shows lines some seconds after they were written: where there are none, or the agent's routine
// alone, it is looked for once more after kLinesLag.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "cloud/ecs/api.hpp"
#include "ecs/log_place.hpp"
#include "runtime/clock.hpp"
#include "runtime/wait.hpp"

namespace footman::cloud::ecs {

inline constexpr std::size_t kLinesWanted = 20;   // of one agent
inline constexpr std::size_t kLinesBytes = 4096;  // of their end; more is not read
inline constexpr std::size_t kAgentsWithoutWords =
    200;  // that wait to be looked for; of more nothing is known
inline constexpr Duration kLinesLag = 15s;
inline constexpr Duration kLinesCallTime = 10s;             // with its repetitions
inline constexpr Duration kLinesAfterRefusal = 15min;       // nobody is asked for so long
inline constexpr std::size_t kDefinitionsRemembered = 100;  // beyond it all are asked for again

// Whose container has ended.
struct EndedTask {
  std::string arn;
  std::string id;
  std::string definition;  // ARN
  std::string container;   // the agent's
};

// On the executor of `api` and `logs` (of aws::kLogs), which outlive it. `region`: of both.
class LastLines {
 public:
  // `lines`: as ports::pick_last_lines() has them, never empty.
  using Found = std::function<void(const std::string& arn, std::string lines)>;
  LastLines(Api& api, aws::Client& logs, std::string region, runtime::Clock& clock, Logger log, Found found);

  void want(EndedTask task);
  // Until it is cancelled.
  Awaitable<void> run();

 private:
  struct Wanted {
    EndedTask task;
    bool is_repeat = false;
  };
  Awaitable<void> look_for(Wanted wanted);
  Awaitable<CallResult<std::string>> read(EndedTask task);
  Awaitable<CallResult<std::optional<footman::ecs::LogPlace>>> find_place(EndedTask task);
  void on_failure(const aws::CallFailure& failure);

  Api& api_;
  aws::Client& logs_;
  std::string region_;
  runtime::Clock& clock_;
  Logger log_;
  Found found_;
  std::multimap<Duration, Wanted> wanted_;                               // by when, steady
  std::map<std::string, std::optional<footman::ecs::LogPlace>> places_;  // by definition and container
  Duration refused_until_{0};                                            // steady
  runtime::Event wake_;
};

}  // namespace footman::cloud::ecs
