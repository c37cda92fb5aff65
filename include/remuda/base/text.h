// What every layer asks of text: ASCII only, whatever the locale is. Pure; any thread.
#pragma once

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace remuda {

constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

constexpr bool is_letter_or_digit(char c) noexcept {
  return (to_lower(c) >= 'a' && to_lower(c) <= 'z') || (c >= '0' && c <= '9');
}

constexpr bool is_ascii(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

// Equal without regard to case.
constexpr bool same_word(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return to_lower(x) == to_lower(y);
         });
}

// Whether the list has this name, letter by letter.
inline bool contains(const std::vector<std::string>& list, std::string_view name) noexcept {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// The whole text as a decimal number. Nothing for any other text, such as one with a plus sign or a
// blank, and for a number that T does not hold.
template <class T>
std::optional<T> parse_number(std::string_view text) noexcept {
  T value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace remuda
