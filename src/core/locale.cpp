#include "core/locale.hpp"

#include <array>
#include <string>

#include "core/ascii.hpp"
#include "core/error.hpp"

namespace mfa::core {

namespace {

// One language. A text fits one segment with a code of 20 characters: 140 characters of GSM-7, or 50
// where one of them is not in that alphabet. test/unit/locale_test.cpp holds every line to it.
struct Language {
    std::string_view tag;    // BCP 47, in its usual case
    std::string_view speech; // with the region that speech engines want
    std::string_view text;
    std::string_view voice; // '' = as text
};

constexpr std::array languages{
    Language{"en", "en-US", "Your Personal Authorization Code is: {code}", ""},
    Language{"da", "da-DK", "Din personlige godkendelseskode er: {code}", ""},
    Language{"de", "de-DE", "Ihr persönlicher Bestätigungscode lautet: {code}", ""},
    Language{"es", "es-ES", "Su código de autorización personal es: {code}", ""},
    Language{"fi", "fi-FI", "Henkilökohtainen vahvistuskoodisi on: {code}", ""},
    Language{"fr", "fr-FR", "Votre code d'autorisation personnel est : {code}", ""},
    Language{"it", "it-IT", "Il suo codice di autorizzazione personale è: {code}", ""},
    Language{"nb", "nb-NO", "Din personlige autorisasjonskode er: {code}", ""},
    Language{"nl", "nl-NL", "Uw persoonlijke autorisatiecode is: {code}", ""},
    Language{"no", "nb-NO", "Din personlige autorisasjonskode er: {code}", ""},
    Language{"pl", "pl-PL", "Twój osobisty kod autoryzacyjny to: {code}", ""},
    Language{"pt", "pt-PT", "O seu código de autorização pessoal é: {code}", ""},
    Language{"sv", "sv-SE", "Din personliga verifieringskod är: {code}", ""},
};

constexpr std::size_t max_tag_bytes = 35; // RFC 5646, 4.4.1

bool same_tag(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size())
        return false;
    for (std::size_t i = 0; i < a.size(); i++) {
        const char x = a[i] == '_' ? '-' : to_lower(a[i]);
        if (x != to_lower(b[i]))
            return false;
    }
    return true;
}

// A language of letters, then subtags: what can be shown in an error. Anything else may be a message
// or a code that was passed in the wrong place.
bool is_tag(std::string_view locale) noexcept {
    if (locale.size() > max_tag_bytes)
        return false;
    std::size_t length = 0;
    bool language = true;
    for (const char c : locale) {
        if (c == '-' || c == '_') {
            if (length < (language ? 2U : 1U))
                return false;
            language = false;
            length = 0;
        } else if (!(language ? is_alpha(c) : is_alnum(c)) || ++length > (language ? 3U : 8U)) {
            return false;
        }
    }
    return length >= (language ? 2U : 1U);
}

// The longest known prefix, subtag by subtag (RFC 4647, 3.4); nullptr where there is none.
const Language *find(std::string_view locale) noexcept {
    if (locale.empty())
        return &languages.front();
    if (!is_tag(locale))
        return nullptr;
    while (true) {
        for (const Language &language : languages)
            if (same_tag(locale, language.tag))
                return &language;
        const std::size_t end = locale.find_last_of("-_");
        if (end == std::string_view::npos)
            return nullptr;
        locale = locale.substr(0, end);
    }
}

} // namespace

std::string_view builtin_template(std::string_view locale, Channel channel) {
    const Language *language = find(locale);
    if (language == nullptr) {
        std::string known;
        for (const Language &each : languages)
            known.append(known.empty() ? "" : ", ").append(each.tag);
        std::string message = "no built-in text for that locale";
        if (is_tag(locale))
            message = "no built-in text for locale \"" + std::string(locale) + "\"";
        throw Error(sqlstate::invalid_parameter_value, std::move(message),
                    "There are texts for " + known +
                        ". For another language, give the message itself.");
    }
    return channel == Channel::voice && !language->voice.empty() ? language->voice : language->text;
}

void check_locale_tag(std::string_view locale) {
    if (!locale.empty() && !is_tag(locale))
        throw Error(sqlstate::invalid_parameter_value, "locale is not a language tag",
                    "Use the form of BCP 47, such as de, pt-BR or zh-Hant.");
}

std::string_view speech_locale(std::string_view locale) noexcept {
    const Language *language = find(locale);
    return language == nullptr ? std::string_view{} : language->speech;
}

std::size_t builtin_locale_count() noexcept { return languages.size(); }

std::string_view builtin_locale(std::size_t index) noexcept { return languages.at(index).tag; }

} // namespace mfa::core
