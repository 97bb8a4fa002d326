// What most files include of libraries: footman_precompiled in footman.cmake.
#pragma once
#include <boost/asio.hpp>

#include "precompiled_pure.hpp"
