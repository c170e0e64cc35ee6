#include "core/json.hpp"

#include <charconv>
#include <vector>

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

// Follows the parser along a path and keeps the scalar at its end: no document is built, so memory
// stays within the text's own size whatever the text.
class Finder final : public nlohmann::json_sax<Json> {
  public:
    explicit Finder(std::vector<std::string> path) : path_(std::move(path)) {}

    std::optional<std::string> take() { return std::move(found_); }

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
        Level &level = levels_.back();
        level.on_path = level.may_lead && path_[levels_.size() - 1] == name;
        // A later member of the same name replaces all that the earlier one held.
        if (level.on_path)
            found_.reset();
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
    struct Level {
        bool array;
        bool may_lead;      // the path leads into this object or array, and further
        bool on_path;       // the value that comes next is on the path
        std::size_t index;  // of the next element
        std::size_t wanted; // array: the element on the path
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

    // To be called once for every value: whether it lies on the path.
    bool next_on_path() {
        if (levels_.empty())
            return true;
        Level &level = levels_.back();
        if (level.array)
            level.on_path = level.may_lead && level.index++ == level.wanted;
        return level.on_path;
    }

    template <class Number> bool integer(Number value) {
        if (next_on_path() && levels_.size() == path_.size())
            found_ = std::to_string(value);
        return true;
    }

    bool scalar(const std::string &value) {
        if (next_on_path() && levels_.size() == path_.size())
            found_ = value;
        return true;
    }

    bool other_value() {
        next_on_path();
        return true;
    }

    bool open(bool array) {
        const bool may_lead = next_on_path() && levels_.size() < path_.size();
        if (levels_.size() == max_depth)
            return false;
        levels_.push_back({array, may_lead, false, 0,
                           array && may_lead ? index_of(path_[levels_.size()]) : no_index});
        return true;
    }

    bool close() {
        levels_.pop_back();
        return true;
    }

    std::vector<std::string> path_;
    std::vector<Level> levels_;
    std::optional<std::string> found_;
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

std::optional<std::string> json_scalar_at(std::string_view text, std::string_view pointer) {
    if (!is_json_pointer(pointer))
        return std::nullopt;
    Finder finder(pointer_tokens(pointer));
    if (!parse(text, finder))
        return std::nullopt;
    return finder.take();
}

bool is_json(std::string_view text) {
    Finder finder({});
    return parse(text, finder);
}

} // namespace mfa::core
