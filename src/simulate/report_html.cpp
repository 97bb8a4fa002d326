#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <map>

#include "base/version.hpp"
#include "simulate/reports.hpp"

namespace footman::simulate {
namespace {

constexpr double kWidth = 860;  // of a plot, in its own units
constexpr double kHeight = 200;
constexpr double kLeft = 52;  // for the numbers beside it
constexpr double kBottom = 26;

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--ground:#f6f6f3;--card:#fff;--line:#e2e2dc;--text:#1d2126;--muted:#5f6670;
--accent:#0b6e64;--busy:#0b6e64;--agents:#9ad1c8;--waiting:#8a6fd1;--boot:#d99a2b;--idle:#c9cbc4;--other:#e1776d;
--a:#0b6e64;--b:#8a6fd1;--good:#1a7037;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--ground:#101317;--card:#181c22;--line:#2b313a;--text:#e6e9ed;--muted:#9aa3af;
--accent:#4cc5b5;--busy:#4cc5b5;--agents:#24584f;--waiting:#b9a9f5;--boot:#f2bb62;--idle:#4a525d;--other:#ff8f85;
--a:#4cc5b5;--b:#b9a9f5;--good:#6fcf8b;--bad:#ff8f85}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Noto Sans","DejaVu Sans",sans-serif}
main{max-width:960px;margin:0 auto;padding:32px 20px 64px}
h1{font-size:26px;margin:0 0 4px;letter-spacing:-.01em}
h2{font-size:17px;margin:0 0 12px}
h3{font-size:14px;margin:14px 0 4px;font-weight:600;overflow-wrap:anywhere}
p.sub{color:var(--muted);margin:0 0 16px;overflow-wrap:anywhere}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px;margin:0 0 20px}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:0 0 20px}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px}
.card b{display:block;font-size:23px;font-weight:650;font-variant-numeric:tabular-nums;letter-spacing:-.01em}
.card span{color:var(--muted);font-size:13px}
.card i{font-style:normal;font-size:13px;font-variant-numeric:tabular-nums}
.good{color:var(--good)}.bad{color:var(--bad)}
svg{display:block;width:100%;height:auto}
svg text{fill:var(--muted);font:12px system-ui,sans-serif}
svg text.small{font-size:11px}
svg .grid{stroke:var(--line);stroke-width:1}
.key{display:flex;flex-wrap:wrap;gap:4px 18px;color:var(--muted);font-size:13px;margin:6px 0 0}
.key i{display:inline-block;width:12px;height:12px;border-radius:3px;margin-right:6px;vertical-align:-1px}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px}
th{text-align:left;color:var(--muted);font-weight:500}
td,th{padding:5px 14px 5px 0;border-bottom:1px solid var(--line);vertical-align:top;white-space:pre-wrap;
overflow-wrap:anywhere}
td{font-variant-numeric:tabular-nums}
tr:last-child td{border-bottom:0}
footer{color:var(--muted);font-size:13px}
)";

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (static_cast<unsigned char>(c) < 0x20)
      out += ' ';
    else
      out += c;
  }
  return out;
}

// The next round number: 1, 2 or 5 times a power of ten.
double round_up(double value) {
  if (value <= 1) return 1;
  const auto power = std::pow(10, std::floor(std::log10(value)));
  for (const double step : {1.0, 2.0, 5.0})
    if (value <= step * power) return step * power;
  return 10 * power;
}

std::string short_time(Duration time) {
  const auto seconds = in_seconds(time);
  if (seconds < 120) return fmt::format("{:.3g} s", seconds);
  if (seconds < 3600) return fmt::format("{:.3g} min", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{:.3g} h", seconds / 3600);
  return fmt::format("{:.3g} d", seconds / 86400);
}

class HtmlPage {
 public:
  HtmlPage(const Setting& setting, const std::vector<Report>& reports)
      : setting_(setting), reports_(reports), is_pair_(reports.size() > 1) {}

  std::string write() {
    add("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
        "<title>Footman simulation</title>\n<style>{}</style></head>\n<body><main>\n",
        kStyle);
    write_head();
    write_cards();
    write_time_plots();
    write_waits();
    write_agent_time();
    write_holds();
    for (const auto& sheet : make_sheets(reports_)) write_sheet(sheet);
    add("<footer>Made by footman {} simulate. The decisions are those of the fleet itself; cloud and builds "
        "are "
        "simulated.</footer>\n</main></body></html>\n",
        escape(base::version()));
    return std::move(out_);
  }

 private:
  template <class... T>
  void add(fmt::format_string<T...> format, T&&... values) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<T>(values)...);
  }

  void write_head() {
    add("<h1>{}</h1>\n", is_pair_ ? "Two configurations, the same builds" : "The fleet, simulated");
    add("<p class=\"sub\">{}{} · {} builds of {} · from {} · seed {} · {}</p>\n",
        escape(reports_.front().name), is_pair_ ? " and " + escape(reports_.back().name) : "",
        setting_.builds, escape(setting_.trace), format_rfc3339(setting_.start).substr(0, 16) + "Z",
        setting_.seed, escape(setting_.cloud));
  }

  void write_cards() {
    const auto first = list_figures(reports_.front());
    const auto second = list_figures(reports_.back());
    if (is_pair_)
      add("<p class=\"sub\">{}, and what is different from {}:</p>\n", escape(reports_.back().name),
          escape(reports_.front().name));
    add("<div class=\"cards\">\n");
    for (const auto* key : {"wait_p50", "wait_p90", "wait_max", "launches", "peak_agents", "utilisation",
                            "cost", "builds_stranded"}) {
      const auto it = std::ranges::find(first, key, &Figure::key);
      const auto& other = second[static_cast<std::size_t>(it - first.begin())];
      const auto& shown = is_pair_ ? other : *it;
      if (!shown.value || (std::string_view(key) == "builds_stranded" && *it->value + *other.value == 0))
        continue;
      add("<div class=\"card\"><span>{}</span><b>{}</b>", escape(it->title),
          format_figure(shown.unit, shown.value));
      if (const auto by = format_difference(it->unit, it->value, other.value); !by.empty())
        add("<i class=\"{}\">{}</i>", (*other.value < *it->value) == it->less_is_better ? "good" : "bad", by);
      add("</div>\n");
    }
    add("</div>\n");
  }

  // --- plots

  void begin_plot(double height, std::string_view what) {
    add("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n", kWidth, height, escape(what));
  }

  static double x_of(double share) { return kLeft + share * (kWidth - kLeft - 8); }
  static double y_of(double share) { return 8 + (1 - share) * (kHeight - kBottom - 8); }

  void write_grid(double top) {
    for (const double share : {0.0, 0.5, 1.0}) {
      add("<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
          "<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{:.3g}</text>\n",
          kLeft, kWidth - 8, y_of(share), y_of(share), kLeft - 8, y_of(share) + 4, top * share);
    }
  }

  // Round distances, ten of them at most; whole days by their name, or their date when there are many.
  void write_time_axis(Duration span) {
    const auto day = Duration(std::chrono::hours(24));
    constexpr std::array<Duration, 14> kSteps = {1s, 10s, 30s, 1min, 5min, 10min, 30min,
                                                 1h, 2h,  6h,  24h,  168h, 720h,  2160h};
    const auto* step = std::ranges::find_if(kSteps, [&](Duration one) { return span / one <= 9; });
    if (step == kSteps.end()) --step;
    const bool in_days = *step >= day;
    // Days begin at midnight.
    const auto first = in_days ? Duration((day - Duration(setting_.start.us) % day) % day) : Duration(0);
    for (auto at = first; at <= span; at += *step) {
      const auto x = x_of(in_seconds(at) / in_seconds(span));
      add("<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>", x, x, y_of(0),
          y_of(0) + 5);
      add("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"{}\">{}</text>\n", x, kHeight - 6,
          at == Duration(0) ? "start" : "middle", in_days ? name_of_day(at) : short_time(at));
    }
  }

  std::string name_of_day(Duration at) const {
    constexpr std::array<std::string_view, 7> kDays = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    const auto instant = setting_.start + at;
    const auto days = std::max<std::int64_t>(instant.us / 86'400'000'000, 0);
    return fmt::format("{} {}", kDays.at(static_cast<std::size_t>(days % 7)),
                       format_rfc3339(instant).substr(5, 5));
  }

  // A line of steps; `filled`: the area below it.
  void write_curve(const std::vector<double>& values, double top, double share, std::string_view colour,
                   bool filled) {
    std::string path;
    const auto parts = static_cast<double>(values.size());
    double last = -1;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto y = y_of(std::min(values[i] / top, 1.0));
      const auto x = x_of(static_cast<double>(i) / parts * share);
      if (i == 0) path += fmt::format("M{:.1f} {:.1f}", x, filled ? y_of(0) : y);
      if (y != last) path += fmt::format("H{:.1f}V{:.1f}", x, y);
      last = y;
    }
    path += fmt::format("H{:.1f}", x_of(share));
    if (filled) path += fmt::format("V{:.1f}Z", y_of(0));
    if (filled)
      add("<path d=\"{}\" fill=\"var(--{})\" fill-opacity=\"0.75\"/>\n", path, colour);
    else
      add("<path d=\"{}\" fill=\"none\" stroke=\"var(--{})\" stroke-width=\"2\"/>\n", path, colour);
  }

  void write_time_plots() {
    Duration span{1};
    double most_agents = 1;
    double most_waiting = 1;
    for (const auto& report : reports_) {
      span = std::max(span, report.end);
      most_agents = std::max(most_agents, std::ranges::max(report.series.agents));
      most_waiting = std::max(most_waiting, std::ranges::max(report.series.waiting));
    }
    add("<section><h2>Queue and agents over time</h2>\n");
    for (const auto& report : reports_) {
      const auto share = in_seconds(report.end) / in_seconds(span);
      if (is_pair_) add("<h3>{}</h3>\n", escape(report.name));
      begin_plot(kHeight, "Agents over time");
      write_grid(round_up(most_agents));
      write_curve(report.series.agents, round_up(most_agents), share, "agents", true);
      write_curve(report.series.busy, round_up(most_agents), share, "busy", false);
      write_time_axis(span);
      add("</svg>\n");
      begin_plot(kHeight, "Waiting builds over time");
      write_grid(round_up(most_waiting));
      write_curve(report.series.waiting, round_up(most_waiting), share, "waiting", true);
      write_time_axis(span);
      add("</svg>\n");
    }
    write_key({{"agents", "agents paid for, the most at once"},
               {"busy", "agents at work, on average"},
               {"waiting", "builds that wait, the most at once"}});
    add("</section>\n");
  }

  void write_key(const std::vector<std::pair<std::string, std::string>>& entries) {
    add("<div class=\"key\">");
    for (const auto& [colour, text] : entries)
      add("<span><i style=\"background:var(--{})\"></i>{}</span>", colour, escape(text));
    add("</div>\n");
  }

  void write_key_of_reports() {
    if (is_pair_) write_key({{"a", reports_.front().name}, {"b", reports_.back().name}});
  }

  // Shares of the builds by how long they waited.
  void write_waits() {
    const auto classes = kWaitClasses.size() + 1;
    double top = 0;
    for (const auto& report : reports_)
      for (const auto count : report.wait_classes) top = std::max(top, share_of(report, count));
    top = std::max(0.1, std::ceil(top * 10) / 10);
    add("<section><h2>How long builds waited</h2>\n");
    begin_plot(kHeight, "Distribution of waits");
    for (const double share : {0.0, 0.5, 1.0})
      add("<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
          "<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{:.3g} %</text>\n",
          kLeft, kWidth - 8, y_of(share), y_of(share), kLeft - 8, y_of(share) + 4, top * share * 100);
    const auto slot = (kWidth - kLeft - 8) / static_cast<double>(classes);
    const auto bar = (slot - 10) / static_cast<double>(reports_.size());
    for (std::size_t i = 0; i < classes; ++i) {
      const auto left = kLeft + slot * static_cast<double>(i);
      const auto title = i < kWaitClasses.size() ? "≤ " + short_time(kWaitClasses.at(i)) : "longer";
      for (std::size_t r = 0; r < reports_.size(); ++r) {
        const auto count = reports_[r].wait_classes.at(i);
        const auto y = y_of(share_of(reports_[r], count) / top);
        add("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"2\" fill=\"var(--{})\">"
            "<title>{}: {} builds ({:.1f} %)</title></rect>\n",
            left + 5 + bar * static_cast<double>(r), y, std::max(bar - 1, 1.0), std::max(y_of(0) - y, 0.0),
            r == 0 ? "a" : "b", title, count, share_of(reports_[r], count) * 100);
      }
      add("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\" class=\"small\">{}</text>\n", left + slot / 2,
          kHeight - 6, title);
    }
    add("</svg>\n");
    write_key_of_reports();
    add("</section>\n");
  }

  static double share_of(const Report& report, std::uint64_t count) {
    return report.wait.builds == 0 ? 0 : static_cast<double>(count) / static_cast<double>(report.wait.builds);
  }

  struct Piece {
    std::string_view colour;
    std::string_view name;
    double seconds;
  };

  static std::vector<Piece> pieces_of(const AgentTimes& times) {
    const auto other = times.billed - times.useful - times.booting - times.idle;
    return {{"busy", "with builds", in_seconds(times.useful)},
            {"boot", "until connected", in_seconds(times.booting)},
            {"idle", "idle and ending", in_seconds(times.idle)},
            {"other", "rounding and minimum", std::max(0.0, in_seconds(other))}};
  }

  void write_agent_time() {
    double most = 1;
    for (const auto& report : reports_) most = std::max(most, in_seconds(report.agents.billed));
    add("<section><h2>What is paid for</h2>\n");
    for (const auto& report : reports_) {
      add("<h3>{}: {} of agents{}</h3>\n", escape(report.name),
          format_figure(Unit::agent_time, in_seconds(report.agents.billed)),
          report.agents.cost ? ", " + format_figure(Unit::money, report.agents.cost) : "");
      write_stack("all", report.agents, most);
      if (report.templates.size() > 1)
        for (const auto& [name, cloud, times] : report.templates) write_stack(name.str(), times, most);
    }
    std::vector<std::pair<std::string, std::string>> key;
    for (const auto& piece : pieces_of({})) {
      const bool is_used = piece.colour != "other" || std::ranges::any_of(reports_, [](const Report& report) {
                             return pieces_of(report.agents).back().seconds > 0;
                           });
      if (is_used) key.emplace_back(piece.colour, piece.name);
    }
    write_key(key);
    add("</section>\n");
  }

  void write_stack(const std::string& name, const AgentTimes& times, double most) {
    begin_plot(34, "Agent time of " + name);
    add("<text x=\"0\" y=\"21\">{}</text>\n", escape(name.size() > 18 ? name.substr(0, 17) + "…" : name));
    double x = 130;
    for (const auto& [colour, what, seconds] : pieces_of(times)) {
      const auto width = seconds / most * (kWidth - 240);
      if (width <= 0) continue;
      add("<rect x=\"{:.1f}\" y=\"6\" width=\"{:.1f}\" height=\"22\" rx=\"2\" fill=\"var(--{})\">"
          "<title>{}: {}</title></rect>\n",
          x, width, colour, what, format_figure(Unit::agent_time, seconds));
      x += width;
    }
    add("<text x=\"{:.1f}\" y=\"21\">{}</text></svg>\n", x + 8,
        format_figure(Unit::agent_time, in_seconds(times.billed)));
  }

  void write_holds() {
    double most = 0;
    std::vector<std::string> codes;
    for (const auto& report : reports_)
      for (const auto& [code, total] : report.holds) {
        most = std::max(most, in_seconds(total.waited));
        if (std::ranges::find(codes, code) == codes.end()) codes.push_back(code);
      }
    if (most <= 0) return;
    add("<section><h2>Why builds waited</h2>\n");
    const auto row = 14 * static_cast<double>(reports_.size()) + 12;
    begin_plot(row * static_cast<double>(codes.size()), "Waits by reason");
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const auto top = row * static_cast<double>(i);
      add("<text x=\"0\" y=\"{:.1f}\">{}</text>\n", top + row / 2 + 4, escape(codes[i]));
      for (std::size_t r = 0; r < reports_.size(); ++r) {
        const auto it = std::ranges::find(reports_[r].holds, codes[i], &HoldStats::code);
        const auto seconds = it == reports_[r].holds.end() ? 0 : in_seconds(it->total.waited);
        const auto width = seconds / most * (kWidth - 260);
        const auto y = top + 6 + 14 * static_cast<double>(r);
        add("<rect x=\"150\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"12\" rx=\"2\" fill=\"var(--{})\"/>"
            "<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
            y, width, r == 0 ? "a" : "b", 158 + width, y + 10, format_figure(Unit::time, seconds));
      }
    }
    add("</svg>\n");
    write_key_of_reports();
    add("</section>\n");
  }

  void write_sheet(const Sheet& sheet) {
    add("<section><h2>{}</h2><div class=\"wide\"><table><tr>",
        escape(sheet.title.empty() ? "All figures" : sheet.title));
    for (const auto& cell : sheet.head) add("<th>{}</th>", escape(cell));
    add("</tr>\n");
    for (const auto& row : sheet.rows) {
      add("<tr>");
      for (const auto& cell : row) add("<td>{}</td>", escape(cell));
      add("</tr>\n");
    }
    add("</table></div></section>\n");
  }

  const Setting& setting_;
  const std::vector<Report>& reports_;
  bool is_pair_;
  std::string out_;
};

}  // namespace

std::string make_html(const Setting& setting, const std::vector<Report>& reports) {
  return HtmlPage(setting, reports).write();
}

}  // namespace footman::simulate
