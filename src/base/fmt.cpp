// {fmt}, compiled once: header-only, each file that formats would compile all of it again. Debian has no
// static libfmt, and the agent is static. The instances are those that fmt/format.h declares as extern or
// leaves out.
#include <fmt/format-inl.h>

FMT_BEGIN_NAMESPACE
namespace detail {

template auto dragonbox::to_decimal(float number) noexcept -> dragonbox::decimal_fp<float>;
template auto dragonbox::to_decimal(double number) noexcept -> dragonbox::decimal_fp<double>;
template auto thousands_sep_impl(locale_ref locale) -> thousands_sep_result<char>;
template auto decimal_point_impl(locale_ref locale) -> char;
template void buffer<char>::append(const char* begin, const char* end);
template void vformat_to(buffer<char>& out, string_view format, basic_format_args<buffer_context<char>> args,
                         locale_ref locale);

}  // namespace detail
FMT_END_NAMESPACE
