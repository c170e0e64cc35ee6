#include "core/xml_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <vector>

#include "core/ascii.hpp"

namespace mfa::core {

namespace {

constexpr std::size_t max_depth = 32;
constexpr std::string_view white_space = " \t\r\n";

bool is_blank(std::string_view text) noexcept {
    return text.find_first_not_of(white_space) == std::string_view::npos;
}

// ASCII by the rules, and whatever is beyond it.
bool is_name(std::string_view text) noexcept {
    return !text.empty() && !is_digit(text[0]) && text[0] != '-' && text[0] != '.' &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return is_alnum(c) || c == '_' || c == '-' || c == '.' || c == ':' ||
                      static_cast<unsigned char>(c) >= 0x80;
           });
}

std::string_view without_prefix(std::string_view name) noexcept {
    return name.substr(name.rfind(':') + 1); // npos + 1 is 0
}

bool append_utf8(std::string &out, std::uint32_t c) {
    if (c == 0 || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return false;
    const auto tail = [&out, c](int shift) {
        out += static_cast<char>(0x80U | ((c >> shift) & 0x3FU));
    };
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += static_cast<char>(0xC0U | (c >> 6));
        tail(0);
    } else if (c < 0x10000) {
        out += static_cast<char>(0xE0U | (c >> 12));
        tail(6);
        tail(0);
    } else {
        out += static_cast<char>(0xF0U | (c >> 18));
        tail(12);
        tail(6);
        tail(0);
    }
    return true;
}

// What stands between '&' and ';'.
bool append_reference(std::string &out, std::string_view name) {
    constexpr std::array<std::pair<std::string_view, char>, 5> known{
        {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}}};
    for (const auto &[word, character] : known) {
        if (name == word) {
            out += character;
            return true;
        }
    }
    if (!name.starts_with('#'))
        return false;
    name.remove_prefix(1);
    const int base = name.starts_with('x') ? 16 : 10;
    if (base == 16)
        name.remove_prefix(1);
    std::uint32_t c = 0;
    const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), c, base);
    return error == std::errc{} && stop == name.data() + name.size() && append_utf8(out, c);
}

class Reader {
  public:
    Reader(std::string_view document, std::initializer_list<std::string_view> path)
        : rest_(document), path_(path) {
        open_.reserve(max_depth);
    }

    std::optional<std::string> read() {
        while (!rest_.empty())
            if (!(rest_.front() == '<' ? read_markup() : read_text()))
                return std::nullopt;
        if (!open_.empty() || !done_)
            return std::nullopt;
        return std::move(text_);
    }

  private:
    // Inside the element that is looked for, the first of its kind.
    bool is_there() const noexcept {
        return !done_ && std::equal(open_.begin(), open_.end(), path_.begin(), path_.end(),
                                    [](std::string_view name, std::string_view wanted) {
                                        return without_prefix(name) == wanted;
                                    });
    }

    // Cuts off all up to `end`, and `end`; nothing where it is not there.
    std::optional<std::string_view> cut_behind(std::string_view end) noexcept {
        const std::size_t at = rest_.find(end);
        if (at == std::string_view::npos)
            return std::nullopt;
        const std::string_view piece = rest_.substr(0, at);
        rest_.remove_prefix(at + end.size());
        return piece;
    }

    bool read_text() {
        std::string_view text = rest_.substr(0, rest_.find('<'));
        rest_.remove_prefix(text.size());
        if (open_.empty())
            return is_blank(text);
        if (!is_there())
            return true;
        while (true) {
            const std::size_t reference = std::min(text.find('&'), text.size());
            text_.append(text.substr(0, reference));
            text.remove_prefix(reference);
            if (text.empty())
                return true;
            const std::size_t end = text.find(';');
            if (end == std::string_view::npos || !append_reference(text_, text.substr(1, end - 1)))
                return false;
            text.remove_prefix(end + 1);
        }
    }

    bool read_markup() {
        if (rest_.starts_with("<!--"))
            return cut_behind("-->").has_value();
        if (rest_.starts_with("<?"))
            return cut_behind("?>").has_value();
        if (rest_.starts_with("<![CDATA[")) {
            rest_.remove_prefix(9);
            const auto text = cut_behind("]]>");
            if (text && is_there())
                text_.append(*text);
            return text && !open_.empty();
        }
        if (rest_.starts_with("<!"))
            return false;
        if (rest_.starts_with("</"))
            return read_end_tag();
        return read_start_tag();
    }

    bool read_end_tag() {
        rest_.remove_prefix(2);
        auto name = cut_behind(">");
        if (!name || open_.empty())
            return false;
        const std::size_t end = std::min(name->find_first_of(white_space), name->size());
        if (name->substr(0, end) != open_.back() || !is_blank(name->substr(end)))
            return false;
        close();
        return true;
    }

    bool read_start_tag() {
        rest_.remove_prefix(1);
        const std::string_view name = rest_.substr(0, rest_.find_first_of(" \t\r\n/>"));
        if (!is_name(name) || open_.size() == max_depth || (open_.empty() && had_root_) ||
            is_there()) // elements where the text should be
            return false;
        rest_.remove_prefix(name.size());
        open_.push_back(name);
        had_root_ = true;
        while (true) {
            const std::size_t stop = rest_.find_first_of("\"'<>");
            if (stop == std::string_view::npos || rest_[stop] == '<')
                return false;
            if (rest_[stop] == '>') {
                if (stop > 0 && rest_[stop - 1] == '/')
                    close();
                rest_.remove_prefix(stop + 1);
                return true;
            }
            const char quote = rest_[stop];
            rest_.remove_prefix(stop + 1);
            if (!cut_behind({&quote, 1}))
                return false;
        }
    }

    void close() noexcept {
        done_ = done_ || is_there();
        open_.pop_back();
    }

    std::string_view rest_;
    std::initializer_list<std::string_view> path_;
    std::vector<std::string_view> open_;
    std::string text_;
    bool had_root_ = false;
    bool done_ = false; // the element's text is all there
};

} // namespace

std::optional<std::string> xml_text_at(std::string_view document,
                                       std::initializer_list<std::string_view> path) {
    return Reader(document, path).read();
}

} // namespace mfa::core
