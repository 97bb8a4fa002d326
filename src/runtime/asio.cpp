// Asio, compiled once (BOOST_ASIO_SEPARATE_COMPILATION) and not in each file that includes it.
#include <boost/asio/impl/src.hpp>
