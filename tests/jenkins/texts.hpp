// Why an item waits, in the words of Jenkins. The words depend on the reader's Accept-Language.
#pragma once

#include <string>
#include <string_view>

#include "base/time.hpp"

namespace footman::fake_jenkins {

enum class Language { english, german, french, japanese };
// The first language of an Accept-Language header; English where Jenkins has no translation of it here.
Language parse_language(std::string_view accept_language);

struct Cause {
  enum class Kind {
    none,
    quiet_period,       // `until`
    build_in_progress,  // `name`: the build's number
    shutdown,
    needs_executor,
    label_unknown,  // `name`: the label
    label_offline,
    label_busy,
    node_offline,  // `name`: the node
    node_busy,
  };
  Kind kind = Kind::none;
  std::string name;
  base::Instant until;
  base::Duration eta{0};  // 0: not known

  bool operator==(const Cause&) const = default;
};

std::string describe(const Cause& cause, base::Instant now, Language language);
// "4.9 sec", "0.35 sec", "44 ms", "1 min 3 sec"
std::string format_span(base::Duration span, Language language);

}  // namespace footman::fake_jenkins
