#include "tests/jenkins/texts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/ascii.hpp"

namespace footman::fake_jenkins {

namespace {

// A translation that is not recorded is empty: the English words are shown, as Jenkins does where it has
// none.
struct Words {
  std::string_view english, german, french, japanese;

  std::string_view in(Language language) const {
    const auto words = language == Language::german     ? german
                       : language == Language::french   ? french
                       : language == Language::japanese ? japanese
                                                        : english;
    return words.empty() ? english : words;
  }
};

constexpr Words kQuiet{"In the quiet period. Expires in {}", "In Ruhe-Periode. Endet in {}", {}, {}};
constexpr Words kInProgress{
    "Build #{} is already in progress (ETA: {})", "Build #{} ist bereits in Arbeit (ETA: {})", {}, {}};
constexpr Words kNoEta{"N/A", "nicht verfügbar", {}, {}};
constexpr Words kShutdown{"Jenkins is about to shut down", "Jenkins wird heruntergefahren", {}, {}};
constexpr Words kNeedsExecutor{
    "Waiting for next available executor", "Warte auf den nächsten freien Build-Prozessor", {}, {}};
constexpr Words kLabelUnknown{"There are no nodes with the label ‘{}’",
                              "Es gibt keine Knoten mit dem Label „{}“",
                              "Aucun nœud avec le libellé ‘{}’",
                              {}};
constexpr Words kLabelOffline{"All nodes of label ‘{}’ are offline",
                              "Alle Knoten des Labels „{}“ sind offline",
                              "Tous les nœuds avec le libellé \"{}\" sont hors ligne",
                              "ラベル '{}' のすべてのノードはオフラインです。"};
constexpr Words kBusy{"Waiting for next available executor on ‘{}’", {}, {}, {}};
constexpr Words kNodeOffline{"‘{}’ is offline", {}, {}, {}};
constexpr Words kSeconds{"{} sec", "{} Sekunden", {}, {}};

template <class... Parts>
std::string fill(std::string_view words, const Parts&... parts) {
  return fmt::format(fmt::runtime(words), parts...);
}

}  // namespace

Language parse_language(std::string_view accept_language) {
  const auto tag = base::lower_case(base::trim(accept_language)).substr(0, 2);
  if (tag == "de") return Language::german;
  if (tag == "fr") return Language::french;
  if (tag == "ja") return Language::japanese;
  return Language::english;
}

std::string format_span(base::Duration span, Language language) {
  const auto ms = std::max<std::int64_t>(0, span.count() / 1000);
  const auto seconds = kSeconds.in(language);
  if (ms >= 60'000) return fmt::format("{} min {}", ms / 60'000, fill(seconds, ms / 1000 % 60));
  if (ms >= 10'000) return fill(seconds, ms / 1000);
  const auto tenths = ms / 100;
  const auto hundredths = ms / 10;
  if (ms >= 1000) return fill(seconds, static_cast<double>(tenths) / 10);
  if (ms >= 100) return fill(seconds, static_cast<double>(hundredths) / 100);
  return fmt::format("{} ms", ms);
}

std::string describe(const Cause& cause, base::Instant now, Language language) {
  switch (cause.kind) {
    case Cause::Kind::none:
      return {};
    case Cause::Kind::quiet_period:
      return fill(kQuiet.in(language), format_span(cause.until - now, language));
    case Cause::Kind::build_in_progress: {
      const auto eta =
          cause.eta.count() == 0 ? std::string(kNoEta.in(language)) : format_span(cause.eta, language);
      return fill(kInProgress.in(language), cause.name, eta);
    }
    case Cause::Kind::shutdown:
      return std::string(kShutdown.in(language));
    case Cause::Kind::needs_executor:
      return std::string(kNeedsExecutor.in(language));
    case Cause::Kind::label_unknown:
      return fill(kLabelUnknown.in(language), cause.name);
    case Cause::Kind::label_offline:
      return fill(kLabelOffline.in(language), cause.name);
    case Cause::Kind::label_busy:
    case Cause::Kind::node_busy:
      return fill(kBusy.in(language), cause.name);
    case Cause::Kind::node_offline:
      return fill(kNodeOffline.in(language), cause.name);
  }
  return {};
}

}  // namespace footman::fake_jenkins
