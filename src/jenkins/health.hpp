// Whether a Jenkins can be reached, and what a person has to know when not: one sentence. Pure.
//
// While Jenkins starts or stops, a valid token is answered with 401, 403 or 503 for a moment, pages come
// instead of JSON, lists are empty: what comes after it was away counts as refused only when it lasts. One
// that answers and refuses is told as that at once, and asked as often as one that is away until it lasts.
// Some missing rights look like idleness, with status 200: they are told by contradictions in the lists.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "jenkins/answers.hpp"

namespace footman::jenkins {

inline constexpr Duration kRefusalLasts = 60s;  // a 401 or 403 for so long is meant
inline constexpr Duration kFirstPause = 250ms;  // after a failure, doubled with each one in a row …
inline constexpr Duration kLongestPause = 5s;   // … up to this
inline constexpr Duration kRefusedPause = 30s;  // after a refusal that lasts
inline constexpr Duration kJobsKnown = 10min;  // since an item, a build or a job was seen: the right is there
inline constexpr Duration kAskJobsAgain = 30s;  // beyond that
inline constexpr Duration kOddLasts = 10s;      // a contradiction for so long is none of a moment
inline constexpr Duration kClockNoise = 2s;    // of what is measured of a clock that is told in whole seconds
inline constexpr Duration kClockDiffers = 5s;  // less is not worth a word

enum class Reach {
  unasked,  // nothing was asked yet
  well,
  away,     // no answer, or not now
  refused,  // it answers, and does not let Footman in
};
std::string_view to_string(Reach reach);

class Health {
 public:
  void note_well(Instant now);
  void note_failure(const Error& error, Instant now);
  // Contradictions between what is shown and what is told, the clocks, and what tells one run of Jenkins from
  // the next one. `ahead`: Jenkins' clock.
  void note_lists(const Computers& computers, Instant now);
  // Where nothing waits and nothing runs `wants_jobs` says when to ask whether any job is shown at all.
  void note_items(const Queue& queue, const Computers* computers, Instant now);
  bool wants_jobs(Instant now);  // true: asked for with this answer
  void note_jobs(bool are_shown, Instant now);
  void note_clock(Duration ahead);
  void note_session(const std::string& session) { hides_session_ = session.empty(); }
  // Changes that were refused, by kind ("make", "hold"): trouble until one of that kind is done.
  // True: it failed, and that is worth a line: it is no refusal of a kind that was told.
  bool note_change(std::string_view kind, const Status& done);

  Reach reach() const { return reach_; }
  Duration pause() const { return pause_; }  // before the next try; zero: as usual
  Instant since() const { return since_; }   // of reach()
  Duration ahead() const { return ahead_; }  // Jenkins' clock, of this one
  // Empty: all is well.
  std::string trouble() const;

 private:
  void turn(Reach reach, Instant now);

  Reach reach_ = Reach::unasked;
  Instant since_;
  Instant failing_since_;
  Instant refused_since_;
  Duration pause_{0};
  std::string error_;
  std::map<std::string, std::string, std::less<>> change_errors_;  // by kind
  Instant nameless_since_;     // an executor is busy with something that is not told
  Instant unconnected_since_;  // a node is online without an agent
  bool hides_builds_ = false;
  bool hides_agents_ = false;
  bool hides_items_ = false;
  bool hides_session_ = false;
  Duration ahead_{0};
  bool shows_no_job_ = false;
  Instant jobs_seen_;
  Instant jobs_asked_;
};

}  // namespace footman::jenkins
