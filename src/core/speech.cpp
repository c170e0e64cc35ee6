#include "core/speech.hpp"

#include "core/ascii.hpp"
#include "core/http.hpp"
#include "core/locale.hpp"

namespace mfa::core {

namespace {

std::string_view primary_language(std::string_view tag) { return tag.substr(0, tag.find('-')); }

} // namespace

std::string_view spoken_language(std::string_view languages, std::string_view locale) noexcept {
    if (locale.empty()) // which speech_locale() takes for English
        return {};
    const std::string_view wanted = speech_locale(locale);
    if (wanted.empty() || languages.empty())
        return wanted;
    std::string_view other_region;
    while (!languages.empty()) {
        std::string_view theirs = cut(languages, ' ');
        const std::string_view ours = cut(theirs, '=');
        if (theirs.empty())
            theirs = ours;
        if (ours == wanted)
            return theirs;
        if (other_region.empty() && primary_language(ours) == primary_language(wanted))
            other_region = theirs;
    }
    return other_region;
}

std::string_view say_language(const OutboundMessage &message, const Options &options,
                              std::string_view languages) {
    const std::string_view set = options.get("say_language");
    return set.empty() ? spoken_language(languages, message.locale) : set;
}

bool speaks(const Provider &provider, std::string_view locale, const Options &options) {
    return provider.spoken_languages.empty() || locale.empty() ||
           !options.get("say_language").empty() ||
           !spoken_language(provider.spoken_languages, locale).empty();
}

Secret speakable(std::string_view text, std::string_view markup) {
    Secret spoken;
    spoken.reserve(text.size());
    for (const char c : text)
        spoken.append(markup.find(c) == std::string_view::npos ? c : ' ');
    return spoken;
}

Secret say_document(std::initializer_list<XmlAttribute> attributes, std::string_view text) {
    Secret xml("<Response><Say");
    for (const XmlAttribute &attribute : attributes) {
        if (attribute.value.empty())
            continue;
        xml.append(' ').append(attribute.name).append("=\"");
        append_xml_escaped(xml, attribute.value);
        xml.append('"');
    }
    xml.append('>');
    append_xml_escaped(xml, text);
    xml.append("</Say></Response>");
    return xml;
}

} // namespace mfa::core
