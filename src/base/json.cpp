// The one place where Boost.JSON is compiled. A target of its own, so that the agent does not link it.
#include <boost/json/src.hpp>
