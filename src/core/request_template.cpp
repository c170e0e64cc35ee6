#include "core/request_template.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "core/ascii.hpp"
#include "core/error.hpp"
#include "core/http.hpp"
#include "core/option_checks.hpp"
#include "core/placeholder.hpp"

namespace mfa::core {

namespace {

// In the order in which hints list them.
constexpr std::array<std::string_view, 9> placeholders{"to",     "from", "text", "code", "channel",
                                                       "locale", "id",   "life", "token"};
// Values that can break no header, and a token that is looked at before it gets there.
constexpr std::array<std::string_view, 3> header_placeholders{"id", "channel", "token"};

void append_value(Secret &out, Place place, std::string_view value) {
    switch (place) {
    case Place::url:
    case Place::form:
        append_percent_encoded(out, value);
        return;
    case Place::json:
        append_json_escaped(out, value);
        return;
    case Place::xml:
        append_xml_escaped(out, value);
        return;
    case Place::header:
        // What comes from a file has passed no option's check.
        if (!std::all_of(value.begin(), value.end(), is_printable))
            throw Error(sqlstate::object_not_in_prerequisite_state,
                        "a value for a header has a character that cannot stand there",
                        "The token must be one line of printable ASCII characters.");
        out.append(value);
        return;
    case Place::plain:
        out.append(value);
        return;
    }
}

} // namespace

std::optional<Place> place_of_content_type(std::string_view content_type) {
    std::string_view parameters = content_type;
    const std::string_view type = trim(cut(parameters, ';'));
    parameters = trim(parameters);
    if (!parameters.empty() && !equal_ignoring_case(parameters, "charset=utf-8"))
        return std::nullopt;
    const auto is = [type](std::string_view other) { return equal_ignoring_case(type, other); };
    const auto ends = [type](std::string_view suffix) {
        return type.size() > suffix.size() &&
               equal_ignoring_case(type.substr(type.size() - suffix.size()), suffix);
    };
    if (is("application/json") || ends("+json"))
        return Place::json;
    if (is("application/xml") || is("text/xml") || ends("+xml"))
        return Place::xml;
    if (is("application/x-www-form-urlencoded"))
        return Place::form;
    if (is("text/plain"))
        return Place::plain;
    return std::nullopt;
}

void check_request_template(std::string_view option, std::string_view text, Place place) {
    const std::span<const std::string_view> valid =
        place == Place::header ? std::span<const std::string_view>(header_placeholders)
                               : std::span<const std::string_view>(placeholders);
    while (!text.empty()) {
        const TemplatePiece piece = next_piece(text, is_placeholder_character);
        if (!piece.placeholder) {
            if (place == Place::url && piece.text.find_first_of("{}") != std::string_view::npos)
                refuse_option(option, "has a brace that belongs to no placeholder",
                              "Write %7B and %7D for braces of the URL itself.");
            continue;
        }
        if (std::find(valid.begin(), valid.end(), piece.text) != valid.end())
            continue;
        std::string list;
        for (const std::string_view name : valid)
            list.append(list.empty() ? "{" : ", {").append(name).append("}");
        refuse_option(option, "has an unknown placeholder",
                      "Valid placeholders here are " + list + ".");
    }
}

bool has_placeholder(std::string_view text, std::string_view name) {
    while (!text.empty()) {
        const TemplatePiece piece = next_piece(text, is_placeholder_character);
        if (piece.placeholder && piece.text == name)
            return true;
    }
    return false;
}

void fill_request_template(Secret &out, std::string_view text, Place place,
                           const OutboundMessage &message, const Options &options) {
    const std::string life = std::to_string(message.life.count());
    const auto value_of = [&](std::string_view name) -> std::string_view {
        if (name == "to")
            return message.recipient;
        if (name == "from")
            return message.sender;
        if (name == "text")
            return message.text;
        if (name == "code")
            return message.code;
        if (name == "channel")
            return channel_name(message.channel);
        if (name == "locale")
            return message.locale;
        if (name == "id")
            return message.id;
        return name == "life" ? life : options.get("token");
    };
    while (!text.empty()) {
        const TemplatePiece piece = next_piece(text, is_placeholder_character);
        if (piece.placeholder)
            append_value(out, place, value_of(piece.text));
        else
            out.append(piece.text);
    }
}

} // namespace mfa::core
