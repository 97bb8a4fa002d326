// The real clock, over Asio's timers.
#pragma once

#include <memory>

#include "runtime/clock.hpp"

namespace footman::runtime::real {
std::unique_ptr<Clock> make_clock();
}
