#include "fleet/views.hpp"

#include "model/words.hpp"

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
    {Verdict::cloud_unknown, "cloud_unknown"},
};

}  // namespace

std::string_view to_string(Verdict verdict) { return model::get_word(kVerdicts, verdict); }

std::string sentence(const Finding& finding) {
  return finding.held ? finding.text + " Not ended: waits for `footman reconcile --apply`." : finding.text;
}

}  // namespace footman::fleet
