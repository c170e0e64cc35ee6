#include "core/recipient_locale.hpp"

#include <array>
#include <set>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "core/country_code.hpp"
#include "core/locale.hpp"
#include "provider_helpers.hpp"

namespace mfa::core {
namespace {

struct Case {
    std::string_view recipient;
    std::string_view locale;
};

TEST(RecipientLocale, IsWhatMostPeopleOfTheCountryRead) {
    for (const auto &[recipient, locale] : std::array{
             Case{"+201001234567", "ar"},      Case{"+212612345678", "ar"},
             Case{"+966512345678", "ar"},      Case{"+994501234567", "az"},
             Case{"+359881234567", "bg"},      Case{"+8801712345678", "bn"},
             Case{"+38761123456", "bs"},       Case{"+376312345", "ca"},
             Case{"+420601123456", "cs"},      Case{"+4520123456", "da"},
             Case{"+299221234", "da"},         Case{"+4930123456", "de"},
             Case{"+436641234567", "de"},      Case{"+41791234567", "de"},
             Case{"+306912345678", "el"},      Case{"+35796123456", "el"},
             Case{"+34612345678", "es"},       Case{"+525512345678", "es-419"},
             Case{"+5491123456789", "es-419"}, Case{"+50212345678", "es-419"},
             Case{"+59899123456", "es-419"},   Case{"+37251234567", "et"},
             Case{"+989121234567", "fa"},      Case{"+93701234567", "fa"},
             Case{"+358412345678", "fi"},      Case{"+33612345678", "fr"},
             Case{"+221701234567", "fr"},      Case{"+50934123456", "fr"},
             Case{"+352628123456", "fr"},      Case{"+972501234567", "he"},
             Case{"+385912345678", "hr"},      Case{"+36201234567", "hu"},
             Case{"+37477123456", "hy"},       Case{"+6281234567890", "id"},
             Case{"+3546111234", "is"},        Case{"+393123456789", "it"},
             Case{"+819012345678", "ja"},      Case{"+995555123456", "ka"},
             Case{"+85591234567", "km"},       Case{"+821012345678", "ko"},
             Case{"+996700123456", "ky"},      Case{"+8562023123456", "lo"},
             Case{"+37061234567", "lt"},       Case{"+37121234567", "lv"},
             Case{"+38972345678", "mk"},       Case{"+97688123456", "mn"},
             Case{"+60123456789", "ms"},       Case{"+9592123456", "my"},
             Case{"+4740612345", "nb"},        Case{"+9779841234567", "ne"},
             Case{"+31612345678", "nl"},       Case{"+32470123456", "nl"},
             Case{"+48512345678", "pl"},       Case{"+351912345678", "pt"},
             Case{"+244923123456", "pt"},      Case{"+5511961234567", "pt-BR"},
             Case{"+40712034567", "ro"},       Case{"+37362112345", "ro"},
             Case{"+79161234567", "ru"},       Case{"+77771234567", "ru"},
             Case{"+375294911911", "ru"},      Case{"+94712345678", "si"},
             Case{"+421912123456", "sk"},      Case{"+38631234567", "sl"},
             Case{"+355672123456", "sq"},      Case{"+38343201234", "sq"},
             Case{"+381601234567", "sr"},      Case{"+38267622901", "sr-Latn"},
             Case{"+46701234567", "sv"},       Case{"+255621234567", "sw"},
             Case{"+66812345678", "th"},       Case{"+905012345678", "tr"},
             Case{"+380501234567", "uk"},      Case{"+923012345678", "ur"},
             Case{"+998912345678", "uz"},      Case{"+84912345678", "vi"},
             Case{"+8613123456789", "zh"},     Case{"+85251234567", "zh-HK"},
             Case{"+85366123456", "zh-HK"},    Case{"+886912345678", "zh-TW"},
         })
        EXPECT_EQ(recipient_locale(recipient), locale) << recipient;
}

TEST(RecipientLocale, IsEnglishWhereThatIsReadOrNoneIsLikely) {
    for (const std::string_view recipient :
         {"+14155550123",   "+442079460123", "+353861234567", "+61412345678", "+64211234567",
          "+6581234567",    "+919812345678", "+639171234567", "+27711234567", "+254712345678",
          "+2348021234567", "+251911234567", "+250720123456", "+23052512345", "+35696961234",
          "+97150123456",   "+97433123456",  "+67077212345",  "+8821234567",  "+8001234567",
          "+9991234567",    "+2101234567"})
        EXPECT_EQ(recipient_locale(recipient), "") << recipient;
}

TEST(RecipientLocale, OfZoneOneIsByTheAreaCode) {
    for (const std::string_view area : {"787", "939", "809", "829", "849"})
        EXPECT_EQ(recipient_locale("+1" + std::string(area) + "5550123"), "es-419") << area;
    for (const std::string_view area :
         {"263", "354", "367", "418", "438", "450", "468", "514", "579", "581", "819", "873"})
        EXPECT_EQ(recipient_locale("+1" + std::string(area) + "5550123"), "fr-CA") << area;
    // The neighbours: Ontario, New Brunswick, Jamaica, the Virgin Islands, Sint Maarten, toll-free.
    for (const std::string_view area :
         {"416", "613", "705", "807", "506", "876", "658", "340", "721", "800", "859", "808"})
        EXPECT_EQ(recipient_locale("+1" + std::string(area) + "5550123"), "") << area;

    std::size_t others = 0;
    for (int area = 200; area < 1000; area++)
        others += recipient_locale("+1" + std::to_string(area) + "5550123").empty() ? 0U : 1U;
    EXPECT_EQ(others, 17U);
}

TEST(RecipientLocale, IsAlwaysOneThatHasAText) {
    std::set<std::string_view> texts;
    for (std::size_t i = 0; i < builtin_locale_count(); i++)
        texts.insert(builtin_locale(i));
    std::set<std::string_view> likely;
    for (int prefix = 1000; prefix < 10000; prefix++) {
        const std::string recipient = "+" + std::to_string(prefix) + "55501";
        const std::string_view locale = recipient_locale(recipient);
        if (!locale.empty()) {
            EXPECT_TRUE(texts.contains(locale)) << recipient << " is " << locale;
        }
        likely.insert(locale);
        // Elsewhere than in zone 1 no digit behind the country code matters.
        if (!recipient.starts_with("+1")) {
            EXPECT_EQ(recipient_locale(country_code(recipient)), locale) << recipient;
        }
    }
    EXPECT_GE(likely.size(), 60U);
}

TEST(RecipientLocale, OfAnythingElseIsEnglish) {
    for (const std::string_view recipient : {"",
                                             "+",
                                             "+9",
                                             "+4",
                                             "+1",
                                             "+18",
                                             "+178",
                                             "abc",
                                             "49",
                                             "4930123456",
                                             "0049301234",
                                             "++4930123456",
                                             "+49 30 123456",
                                             "+49x",
                                             "+49\n",
                                             "x+4930123456",
                                             " +4930123456",
                                             "+-49",
                                             "+٤٩",
                                             "someone@example.com",
                                             "someone@example.de",
                                             "+49@example.de",
                                             "@",
                                             "49@example.de"})
        EXPECT_EQ(recipient_locale(recipient), "") << recipient;
    EXPECT_EQ(recipient_locale(std::string_view("+49\0", 4)), "");
    EXPECT_EQ(recipient_locale(std::string_view("\0+49", 4)), "");
    EXPECT_EQ(recipient_locale("+" + std::string(1000, '9')), "");
    // Never beyond what it was given: the digits behind it are another's.
    EXPECT_EQ(recipient_locale(std::string_view("+4930123456").substr(0, 2)), "");
    for (const std::string_view before : {"", "+", "+49", "+4930123456"})
        EXPECT_EQ(recipient_locale(std::string(before) + std::string(test::hostile)), "");
}

} // namespace
} // namespace mfa::core
