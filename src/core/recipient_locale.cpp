#include "core/recipient_locale.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/ascii.hpp"

namespace mfa::core {

namespace {

// A locale, and the country calling codes (ITU-T E.164) where it is likely, with a space between. In
// zone 1, which has no codes of countries, the area codes (numbering plan of North America).
struct Region {
    std::string_view locale;
    std::string_view codes;
};

// The rule: of the languages that have a built-in text, the one that most people of the country can
// read. So a country whose own language is hardly written, or has no text, has that of its schools
// (French in Senegal and Haiti, Danish in Greenland, Russian in Tajikistan). Belgium is Dutch and
// Switzerland German, as their majorities are. +7 is Russian in Kazakhstan too, where more people read
// it than Kazakh. Serbia is in Cyrillic, its official script, Montenegro in Latin.
//
// In no line, and so in English: where English is that language or shares the place (Malta, the
// Philippines, Kenya, Rwanda, Mauritius), where several are about even (India, Ethiopia, East Timor),
// where most residents come from elsewhere (United Arab Emirates, Qatar), and codes of no country.
constexpr std::array regions{
    Region{"ar", "20 212 213 216 218 222 249 961 962 963 964 965 966 967 968 970 973"},
    Region{"az", "994"},
    Region{"bg", "359"},
    Region{"bn", "880"},
    Region{"bs", "387"},
    Region{"ca", "376"},
    Region{"cs", "420"},
    Region{"da", "45 298 299"},
    Region{"de", "41 43 49 423"},
    Region{"el", "30 357"},
    Region{"es", "34 240"},
    // 1787 and 1939 are Puerto Rico, 1809, 1829 and 1849 the Dominican Republic.
    Region{"es-419", "51 52 53 54 56 57 58 502 503 504 505 506 507 591 593 595 598 "
                     "1787 1809 1829 1849 1939"},
    Region{"et", "372"},
    Region{"fa", "93 98"},
    Region{"fi", "358"},
    Region{"fr", "33 221 223 224 225 226 227 228 229 235 236 237 241 242 243 253 257 261 262 269 "
                 "352 377 508 509 590 594 596 681 687 689"},
    Region{"fr-CA", "1263 1354 1367 1418 1438 1450 1468 1514 1579 1581 1819 1873"}, // Quebec
    Region{"he", "972"},
    Region{"hr", "385"},
    Region{"hu", "36"},
    Region{"hy", "374"},
    Region{"id", "62"},
    Region{"is", "354"},
    Region{"it", "39 378"},
    Region{"ja", "81"},
    Region{"ka", "995"},
    Region{"km", "855"},
    Region{"ko", "82 850"},
    Region{"ky", "996"},
    Region{"lo", "856"},
    Region{"lt", "370"},
    Region{"lv", "371"},
    Region{"mk", "389"},
    Region{"mn", "976"},
    Region{"ms", "60 673"},
    Region{"my", "95"},
    Region{"nb", "47"},
    Region{"ne", "977"},
    Region{"nl", "31 32 297 597 599"},
    Region{"pl", "48"},
    Region{"pt", "238 239 244 245 258 351"},
    Region{"pt-BR", "55"},
    Region{"ro", "40 373"},
    Region{"ru", "7 375 992 993"},
    Region{"si", "94"},
    Region{"sk", "421"},
    Region{"sl", "386"},
    Region{"sq", "355 383"},
    Region{"sr", "381"},
    Region{"sr-Latn", "382"},
    Region{"sv", "46"},
    Region{"sw", "255"},
    Region{"th", "66"},
    Region{"tr", "90"},
    Region{"uk", "380"},
    Region{"ur", "92"},
    Region{"uz", "998"},
    Region{"vi", "84"},
    Region{"zh", "86"},
    Region{"zh-HK", "852 853"},
    Region{"zh-TW", "886"},
};

// A number of its own for each code of up to four digits: 149 for "49".
constexpr std::size_t longest_code = 4;
constexpr std::size_t indexes = 20'000;
constexpr std::size_t index_of(std::string_view code) {
    std::size_t index = 1;
    for (const char digit : code)
        index = index * 10 + static_cast<std::size_t>(digit - '0');
    return index;
}

// By the index of its code, the number of a region, from 1; 0: no code.
using RegionNumbers = std::array<std::uint8_t, indexes>;
static_assert(regions.size() < 256);
constexpr RegionNumbers number_regions() {
    RegionNumbers numbers{};
    for (std::size_t i = 0; i < regions.size(); ++i) {
        std::string_view rest = regions[i].codes;
        while (!rest.empty()) {
            std::uint8_t &number = numbers[index_of(cut(rest, ' '))];
            if (number != 0)
                throw "a code is there twice";
            number = static_cast<std::uint8_t>(i + 1);
        }
    }
    return numbers;
}
constexpr RegionNumbers region_numbers = number_regions();

// No code begins with another: a number has at most one.
constexpr bool are_prefix_free() {
    for (const Region &region : regions) {
        std::string_view rest = region.codes;
        while (!rest.empty()) {
            const std::string_view code = cut(rest, ' ');
            for (std::size_t length = 1; length < code.size(); ++length)
                if (region_numbers[index_of(code.substr(0, length))] != 0)
                    return false;
        }
    }
    return true;
}
static_assert(are_prefix_free());

} // namespace

std::string_view recipient_locale(std::string_view recipient) noexcept {
    if (!recipient.starts_with('+'))
        return {};
    const std::string_view digits = recipient.substr(1);
    if (!std::all_of(digits.begin(), digits.end(), is_digit))
        return {};
    for (std::size_t length = 1; length <= std::min(longest_code, digits.size()); ++length)
        if (const std::uint8_t number = region_numbers[index_of(digits.substr(0, length))])
            return regions[number - 1U].locale;
    return {};
}

} // namespace mfa::core
