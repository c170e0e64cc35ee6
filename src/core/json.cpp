#include "core/json.hpp"

#include <algorithm>
#include <bitset>
#include <charconv>

#include <nlohmann/json.hpp>

#include "core/ascii.hpp"

namespace mfa::core {

namespace {

using Json = nlohmann::json;

constexpr std::size_t max_depth = 32;

// The tokens of a pointer, unescaped.
std::vector<std::string> pointer_tokens(std::string_view pointer) {
    std::vector<std::string> tokens;
    if (pointer.empty())
        return tokens;
    pointer.remove_prefix(1);
    std::string token;
    for (std::size_t i = 0; i <= pointer.size(); i++) {
        if (i == pointer.size() || pointer[i] == '/') {
            tokens.push_back(std::move(token));
            token.clear();
        } else if (pointer[i] == '~') {
            token += pointer[++i] == '0' ? '~' : '/';
        } else {
            token += pointer[i];
        }
    }
    return tokens;
}

// Follows the parser along some paths and keeps the scalars at their ends: no document is built, so memory
// stays within the text's own size whatever the text.
class Finder final : public nlohmann::json_sax<Json> {
  public:
    explicit Finder(std::span<const std::string_view> pointers) {
        for (const std::string_view pointer : pointers)
            paths_.push_back({pointer_tokens(pointer), std::nullopt});
    }

    std::optional<std::string> take(std::size_t path) { return std::move(paths_[path].found); }

    bool null() override { return other_value(); }
    bool boolean(bool /*value*/) override { return other_value(); }
    bool number_integer(number_integer_t value) override { return integer(value); }
    bool number_unsigned(number_unsigned_t value) override { return integer(value); }
    bool number_float(number_float_t /*value*/, const string_t &digits) override {
        return scalar(digits);
    }
    bool string(string_t &value) override { return scalar(value); }
    bool binary(binary_t & /*value*/) override { return other_value(); }

    bool start_object(std::size_t /*elements*/) override { return open(false); }
    bool key(string_t &name) override {
        const std::size_t depth = levels_.size() - 1;
        Level &level = levels_.back();
        // A later member of the same name replaces all that the earlier one held.
        level.next = those_of(level.leading, [&](Path &path) {
            const bool is_on_path = path.tokens[depth] == name;
            if (is_on_path)
                path.found.reset();
            return is_on_path;
        });
        return true;
    }
    bool end_object() override { return close(); }
    bool start_array(std::size_t /*elements*/) override { return open(true); }
    bool end_array() override { return close(); }
    bool parse_error(std::size_t /*position*/, const std::string & /*token*/,
                     const nlohmann::detail::exception & /*error*/) override {
        return false;
    }

  private:
    struct Path {
        std::vector<std::string> tokens;
        std::optional<std::string> found;
    };
    // Some of the paths: bit i is path i.
    using Paths = std::bitset<max_json_pointers>;
    struct Level {
        bool array;
        Paths leading;     // those that lead into this object or array, and further
        Paths next;        // those that lead to the value that comes next
        std::size_t index; // of the next element
    };

    static constexpr std::size_t no_index = static_cast<std::size_t>(-1);

    // The array index that a token is (RFC 6901, 4): decimal, no leading zero.
    static std::size_t index_of(std::string_view token) noexcept {
        std::size_t index = 0;
        const char *end = token.data() + token.size();
        if (token.empty() || !is_digit(token[0]) || (token.size() > 1 && token[0] == '0'))
            return no_index;
        const auto [stop, error] = std::from_chars(token.data(), end, index);
        return error == std::errc{} && stop == end ? index : no_index;
    }

    template <class Test> Paths those_of(Paths paths, Test test) {
        for (std::size_t i = 0; i < paths_.size(); i++)
            paths[i] = paths[i] && test(paths_[i]);
        return paths;
    }

    // To be called once for every value: the paths that lead to it.
    Paths next_value() {
        if (levels_.empty())
            return Paths().set();
        const std::size_t depth = levels_.size() - 1;
        Level &level = levels_.back();
        if (level.array) {
            level.next = those_of(level.leading, [&](const Path &path) {
                return index_of(path.tokens[depth]) == level.index;
            });
            level.index++;
        }
        return level.next;
    }

    template <class Number> bool integer(Number value) { return scalar(std::to_string(value)); }

    bool scalar(const std::string &value) {
        those_of(next_value(), [&](Path &path) {
            if (levels_.size() == path.tokens.size())
                path.found = value;
            return true;
        });
        return true;
    }

    bool other_value() {
        next_value();
        return true;
    }

    bool open(bool array) {
        const std::size_t depth = levels_.size();
        const Paths leading =
            those_of(next_value(), [&](const Path &path) { return depth < path.tokens.size(); });
        if (depth == max_depth)
            return false;
        levels_.push_back({array, leading, {}, 0});
        return true;
    }

    bool close() {
        levels_.pop_back();
        return true;
    }

    std::vector<Path> paths_;
    std::vector<Level> levels_;
};

// The library takes a NUL for the end of the text; in JSON it is an error wherever it stands.
bool parse(std::string_view text, Finder &finder) {
    return text.find('\0') == std::string_view::npos &&
           Json::sax_parse(text.begin(), text.end(), &finder);
}

} // namespace

bool is_json_pointer(std::string_view pointer) {
    if (!pointer.empty() && pointer[0] != '/')
        return false;
    for (std::size_t i = 0; i < pointer.size(); i++)
        if (pointer[i] == '~' &&
            (i + 1 == pointer.size() || (pointer[i + 1] != '0' && pointer[i + 1] != '1')))
            return false;
    return true;
}

std::vector<std::optional<std::string>>
json_scalars_at(std::string_view text, std::span<const std::string_view> pointers) {
    std::vector<std::optional<std::string>> scalars(pointers.size());
    if (pointers.size() > max_json_pointers ||
        !std::all_of(pointers.begin(), pointers.end(), is_json_pointer))
        return scalars;
    Finder finder(pointers);
    if (parse(text, finder))
        for (std::size_t i = 0; i < scalars.size(); i++)
            scalars[i] = finder.take(i);
    return scalars;
}

std::optional<std::string> json_scalar_at(std::string_view text, std::string_view pointer) {
    return json_scalars_at(text, {&pointer, 1}).front();
}

bool is_json(std::string_view text) {
    Finder finder({});
    return parse(text, finder);
}

} // namespace mfa::core
