#include "base/digest.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/check.hpp"
#include "base/secret.hpp"

namespace footman::base {
namespace {
const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
}  // namespace

void wipe(std::string& text) noexcept {
  text.resize(text.capacity());  // never grows, so never throws: also covers the inline buffer
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

std::string sha256(std::string_view bytes) {
  std::string out(32, '\0');
  unsigned size = 0;
  FOOTMAN_CHECK(EVP_Digest(bytes.data(), bytes.size(), bytes_of(out), &size, EVP_sha256(), nullptr) == 1,
                "sha256");
  return out;
}

std::string hmac_sha256(std::string_view key, std::string_view message) {
  std::string out(32, '\0');
  unsigned size = 0;
  FOOTMAN_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(message),
                     message.size(), bytes_of(out), &size) != nullptr,
                "hmac");
  return out;
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (unsigned char byte : bytes) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

Result<std::string> from_hex(std::string_view text) {
  auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  if (text.size() % 2 != 0) return fail(Errc::invalid_argument, "hexadecimal text has an odd length");
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return fail(Errc::invalid_argument, "not hexadecimal text");
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

std::string to_base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4, '\0');
  std::string buffer(out.size() + 1, '\0');
  EVP_EncodeBlock(bytes_of(buffer), bytes_of(bytes), static_cast<int>(bytes.size()));
  return buffer.substr(0, out.size());
}

Result<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return fail(Errc::invalid_argument, "base64 text has a wrong length");
  std::string out(text.size() / 4 * 3 + 1, '\0');
  const int size = EVP_DecodeBlock(bytes_of(out), bytes_of(text), static_cast<int>(text.size()));
  if (size < 0) return fail(Errc::invalid_argument, "not base64 text");
  std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace footman::base
