#include "agent/masker.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace footman;
using agent::Masker;

namespace {

std::vector<base::Secret> secrets(const std::vector<std::string>& texts) {
  std::vector<base::Secret> out;
  out.reserve(texts.size());
  for (const auto& text : texts) out.emplace_back(text);
  return out;
}

// What masking means, the slow way: all bytes of all occurrences go, each unbroken run becomes "****".
std::string mask_whole(const std::string& text, const std::vector<std::string>& masks) {
  std::vector<bool> covered(text.size(), false);
  for (const auto& mask : masks) {
    if (mask.empty()) continue;
    for (auto at = text.find(mask); at != text.npos; at = text.find(mask, at + 1))
      std::fill_n(covered.begin() + static_cast<std::ptrdiff_t>(at), mask.size(), true);
  }
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!covered[i]) out += text[i];
    if (covered[i] && (i == 0 || !covered[i - 1])) out += "****";
  }
  return out;
}

std::string mask_in_pieces(const std::string& text, const std::vector<std::string>& masks,
                           std::mt19937& random) {
  Masker masker(secrets(masks));
  std::string out;
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto size = std::min<std::size_t>(rest.size(), random() % 5);
    out += masker.feed(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  return out + masker.flush();
}

}  // namespace

TEST_CASE("masks go wherever the stream is cut; only what may begin one is held back") {
  Masker masker(secrets({"hunter2"}));
  CHECK(masker.feed("login hu") == "login ");
  CHECK(masker.feed("nter") == "");
  CHECK(masker.feed("2\nhunt") == "****\n");
  CHECK(masker.feed("ing\n") == "hunting\n");
  CHECK(masker.feed("hunter") == "");
  CHECK(masker.flush() == "hunter");
  CHECK(masker.feed("2") == "2");
}

TEST_CASE("overlapping, nested, adjacent and repeated masks") {
  const auto masked = [](const std::string& text, const std::vector<std::string>& masks) {
    Masker masker(secrets(masks));
    auto out = masker.feed(text);
    return out + masker.flush();
  };
  CHECK(masked("xabcdefy", {"abcd", "cdef"}) == "x****y");
  CHECK(masked("xabcy", {"b", "abc"}) == "x****y");
  CHECK(masked("xabxaby", {"ab"}) == "x****x****y");
  CHECK(masked("abab", {"ab"}) == "****");
  CHECK(masked("aaaaa", {"aa"}) == "****");
  CHECK(masked("abcabd", {"abcabx"}) == "abcabd");
  CHECK(masked("abcabcabx", {"abcabx"}) == "abc****");
  CHECK(masked("nothing", {}) == "nothing");
  CHECK(masked("nothing", {""}) == "nothing");
  CHECK(masked(std::string("a\0b", 3), {std::string("\0", 1)}) == "a****b");
}

TEST_CASE("any split of any text gives what masking the whole gives") {
  std::mt19937 random(4711);
  for (int round = 0; round < 20'000; ++round) {
    CAPTURE(round);
    const std::size_t letters = 1 + random() % 3;
    const auto word = [&](std::size_t longest) {
      std::string text(random() % (longest + 1), 'a');
      for (char& c : text) c = static_cast<char>('a' + random() % letters);
      return text;
    };
    std::vector<std::string> masks;
    for (auto count = random() % 4; count > 0; --count) masks.push_back(word(6));
    const auto text = word(40);
    REQUIRE(mask_in_pieces(text, masks, random) == mask_whole(text, masks));
  }
}

TEST_CASE("what is held back can never be the end of a longer text than the longest mask") {
  Masker masker(secrets({std::string(999, 'a') + "c", "b"}));
  std::size_t held = 0;
  for (int i = 0; i < 100; ++i) {
    held += 100 - masker.feed(std::string(100, 'a')).size();
    CHECK(held < 1000);
  }
}
