#include "model/curves.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "model/report.h"

namespace remuda::bench::model {
namespace {

constexpr double kWidth = 240, kHeight = 150, kGap = 70, kTop = 70;
constexpr std::array kColours = {"#1b6ca8", "#d1495b", "#3b8f5a", "#8e6bbf", "#c98a1b", "#555555"};

using Line = std::map<int, double>;  // by workers
using Panel = std::map<int, Line>;   // by pool size
using Key = std::pair<int, int>;     // clients, cores

struct Frame {
  double left, top;
  double most;  // of the values
  double most_workers;

  double x(int workers) const {
    return left + kWidth * std::log2(workers) / std::max(std::log2(most_workers), 1.0);
  }
  double y(double value) const { return top + kHeight * (1 - value / most); }
};

double most_of(const Panel& panel) {
  double most = 1;
  for (const auto& [size, line] : panel) {
    for (const auto& [workers, value] : line) most = std::max(most, value);
  }
  return most * 1.05;
}

std::string axes(const Frame& frame, const std::string& title, const std::set<int>& workers,
                 bool is_time) {
  std::string svg = fmt::format("<text x='{:.0f}' y='{:.0f}' font-weight='bold'>{}</text>\n",
                                frame.left, frame.top - 8, title);
  svg += fmt::format("<path d='M{:.0f} {:.0f}v{:.0f}h{:.0f}' fill='none' stroke='#999'/>\n",
                     frame.left, frame.top, kHeight, kWidth);
  for (const double share : {0.0, 0.5, 1.0}) {
    const double value = frame.most * share / 1.05;
    svg += fmt::format("<text x='{:.0f}' y='{:.0f}' text-anchor='end'>{}</text>\n", frame.left - 4,
                       frame.y(value) + 4, is_time ? time_text(value) : count_text(value));
  }
  for (const int count : workers) {
    svg += fmt::format("<text x='{:.0f}' y='{:.0f}' text-anchor='middle'>{}</text>\n",
                       frame.x(count), frame.top + kHeight + 14, count);
  }
  return svg;
}

std::string lines(const Frame& frame, const Panel& panel) {
  std::string svg;
  size_t colour = 0;
  for (const auto& [size, line] : panel) {
    std::string points;
    for (const auto& [workers, value] : line) {
      points += fmt::format("{:.1f},{:.1f} ", frame.x(workers), frame.y(value));
    }
    svg += fmt::format("<polyline points='{}' fill='none' stroke='{}' stroke-width='2'/>\n", points,
                       kColours[colour++ % kColours.size()]);
  }
  return svg;
}

std::string legend(const Panel& panel) {
  std::string svg;
  double x = 60;
  size_t colour = 0;
  for (const auto& [size, line] : panel) {
    svg += fmt::format("<text x='{:.0f}' y='42' fill='{}'>pool of {}</text>\n", x,
                       kColours[colour++ % kColours.size()], size);
    x += 90;
  }
  return svg + fmt::format("<text x='{:.0f}' y='42'>over the number of workers</text>\n", x);
}

}  // namespace

std::string curves(const std::vector<Prediction>& predictions, const std::string& caption) {
  std::map<Key, Panel> throughput, tail;
  std::set<int> workers;
  for (const auto& [setup, result] : predictions) {
    const Key key{setup.clients, setup.cores};
    throughput[key][setup.pool_size][setup.workers] = result.throughput;
    if (!result.overloaded) tail[key][setup.pool_size][setup.workers] = result.p99;
    workers.insert(setup.workers);
  }
  std::string body = fmt::format("<text x='60' y='22' font-size='14'>{}</text>\n", caption);
  body += legend(throughput.begin()->second);
  double left = kGap;
  for (const auto& [key, panel] : throughput) {
    const std::string title =
        fmt::format("{} clients, {} cores", count_text(key.first), key.second);
    const Panel& late = tail[key];
    const double most_workers = *workers.rbegin();
    const Frame above{left, kTop + 20, most_of(panel), most_workers};
    const Frame below{left, kTop + kHeight + 80, most_of(late), most_workers};
    body += axes(above, title + ": tps", workers, false) + lines(above, panel);
    body += axes(below, title + ": p99", workers, true) + lines(below, late);
    left += kWidth + kGap;
  }
  return fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' width='{:.0f}' height='{:.0f}' "
      "font-family='sans-serif' "
      "font-size='11'>\n<rect width='100%' height='100%' fill='white'/>\n{}</svg>\n",
      std::max(left, 900.0), kTop + 2 * kHeight + 110, body);
}

}  // namespace remuda::bench::model
