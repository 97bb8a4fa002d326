#include <fmt/format.h>

#include "tests/jenkins/api.hpp"

namespace footman::fake_jenkins {

namespace {

constexpr std::string_view kConsoleButton =
    R"svg(<svg class="icon-terminal icon-lg" xmlns="http://www.w3.org/2000/svg" aria-hidden="true" viewBox="0 0 512 512"><title/><rect fill="none" height="416" rx="48" ry="48" stroke="currentColor" stroke-linejoin="round" stroke-width="32" width="448" x="32" y="48"/><path d="M96 112l80 64-80 64M192 240h64" fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round" stroke-width="32"/></svg>)svg";
constexpr std::string_view kInProgress =
    R"svg(<svg tooltip="In progress" xmlns="http://www.w3.org/2000/svg" aria-hidden="true" viewBox="-256 -256 512 512">    <ellipse cx="0" cy="0" fill="none" opacity="0.4" rx="210" ry="210" stroke="var(--success-color)" stroke-linecap="round" stroke-miterlimit="10" stroke-width="36"/>    <path d="M0 -210C-115.98 -210 -210 -115.98 -210 0" data-symbol-animation="spin" fill="transparent" stroke="var(--success-color)" stroke-linecap="round" stroke-miterlimit="10" stroke-width="36"/>    <path d="M80 -67L-32 67L-80 13.4" fill="transparent" stroke="var(--success-color)" stroke-linecap="round" stroke-linejoin="round" stroke-width="36"/></svg>)svg";

class FlowTable {
 public:
  explicit FlowTable(std::string_view path) : path_(path) {}

  void add(int id, int depth, std::string_view step, base::Duration span, std::string_view arguments,
           bool has_console) {
    const auto console = has_console
                             ? fmt::format(R"(<a tooltip="Console Output" href="{}execution/node/{}/log/" )"
                                           R"(class="jenkins-table__button">{}</a>)",
                                           path_, id, kConsoleButton)
                             : std::string();
    rows_ += fmt::format(
        R"row(<tr style="opacity: 1.0"><td style="padding-left: calc(var(--table-padding) * {0})"><a tooltip="ID: {1}" )row"
        R"(href="{2}execution/node/{1}/" class="jenkins-table__link">{3} - ({4} in block)</a></td><td>{5}</td>)"
        R"(<td class="jenkins-table__cell--tight"><div class="jenkins-table__cell__button-wrapper">{6}</div></td>)"
        R"(<td data="5" class="jenkins-table__cell--tight jenkins-table__icon"><div )"
        R"(class="jenkins-table__cell__button-wrapper"><span class="jenkins-visually-hidden">In progress</span>{7})"
        R"(</div></td></tr>)",
        depth, id, path_, escape_html(step), format_span(span, Language::english), escape_html(arguments),
        console, kInProgress);
  }

  std::string done() {
    return R"(<table class="jenkins-table"><thead><tr><th width="50%">Step</th><th width="40%">Arguments</th>)"
           R"(<th width="32"></th><th width="32">Status</th></tr></thead>)" +
           rows_ + "</table>";
  }

 private:
  std::string path_;
  std::string rows_;
};

}  // namespace

std::string show_flow_table(const Run& run, const Job& job, std::string_view path, base::Instant now) {
  FlowTable table(path);
  table.add(2, 2, "Start of Pipeline", now - run.started, "", false);
  int id = 3;
  std::size_t index = 0;
  for (std::size_t i = 0; i <= run.stage && i < job.stages.size(); ++i) {
    const auto& stage = job.stages[i];
    const auto span_of = [&](std::size_t block) {
      return block < run.blocks.size() ? now - run.blocks[block].since : base::Duration(0);
    };
    if (stage.size() == 1) {
      table.add(id++, 3, "node", span_of(index++), stage[0].label, true);
      continue;
    }
    table.add(id, 3, "parallel", span_of(index), "", true);
    const auto count = static_cast<int>(stage.size());
    for (int branch = 0; branch < count; ++branch, ++index) {
      const auto& block = stage[static_cast<std::size_t>(branch)];
      table.add(id + 2 + branch, 4, fmt::format("parallel block (Branch: {})", block.branch), span_of(index),
                "", false);
      table.add(id + 2 + count + branch, 5, "node", span_of(index), block.label, true);
    }
    id += 2 + 2 * count;
  }
  return table.done();
}

}  // namespace footman::fake_jenkins
