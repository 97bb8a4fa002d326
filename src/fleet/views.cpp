#include "fleet/views.hpp"

#include "model/words.hpp"
#include "policy/provisioning_plan.hpp"

namespace footman::fleet {
namespace {

constexpr model::Word<Verdict> kVerdicts[] = {
    {Verdict::matched, "matched"},
    {Verdict::handle_learned, "handle_learned"},
    {Verdict::not_listed_yet, "not_listed_yet"},
    {Verdict::never_launched, "never_launched"},
    {Verdict::resource_gone, "resource_gone"},
    {Verdict::must_end, "must_end"},
    {Verdict::orphan, "orphan"},
    {Verdict::foreign, "foreign"},
    {Verdict::past_deadline, "past_deadline"},
};

}  // namespace

std::string_view look_again_on(std::string_view code) {
  for (auto number = 0; number <= static_cast<int>(policy::HoldReason::launch_limit); ++number)
    if (const auto reason = static_cast<policy::HoldReason>(number); to_string(reason) == code)
      return policy::look_again_on(reason);
  return {};
}

std::string_view to_string(Verdict verdict) { return model::get_word(kVerdicts, verdict); }

std::string sentence(const Finding& finding) {
  return finding.held ? finding.text + " Not ended: waits for `footman reconcile --apply`." : finding.text;
}

}  // namespace footman::fleet
