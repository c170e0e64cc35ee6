// What providers' calls share: the language of the voice, and the text that it speaks.
#pragma once

#include <initializer_list>
#include <string_view>

#include "core/provider.hpp"
#include "core/secret.hpp"

namespace mfa::core {

// The provider's tag for the language of `locale`, '' where it speaks none or `locale` is ''.
// `languages` are those that it speaks, as speech_locale() spells them, with a space between; where
// the provider spells one otherwise, its tag follows: "de-DE nb-NO=no". The first one of a language
// stands for the regions that are not listed. An empty list is not known: any tag is passed on.
std::string_view spoken_language(std::string_view languages, std::string_view locale) noexcept;

// The language of the voice: option say_language, or else what the message is in. '' leaves it to the
// provider.
std::string_view say_language(const OutboundMessage &message, const Options &options,
                              std::string_view languages);

// Whether the provider's calls can speak a text in `locale`, as far as mfa knows. The language is not
// asked for where option say_language says which voice there is.
bool speaks(const Provider &provider, std::string_view locale, const Options &options);

// The text with spaces for the characters of `markup`, which an engine takes for more than text.
Secret speakable(std::string_view text, std::string_view markup);

struct XmlAttribute {
    std::string_view name;
    std::string_view value; // '' = left out
};

// TwiML, which speaks `text` once; attributes of <Say> in that order.
Secret say_document(std::initializer_list<XmlAttribute> attributes, std::string_view text);

} // namespace mfa::core
