#include "core/recipient.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "core/ascii.hpp"
#include "core_helpers.hpp"

namespace mfa::core {
namespace {

constexpr std::string_view number_hint =
    "Give the number in international form, such as +14155550123.";
constexpr std::string_view address_hint = "Give an address such as someone@example.com.";

// The refusal of a recipient: 22023, a hint, and not one piece of the text in it.
Error refusal_of(Channel channel, std::string_view text) {
    const Error error = test::error_of([&] { normalise_recipient(channel, text); });
    EXPECT_STREQ(error.sqlstate(), "22023");
    EXPECT_FALSE(error.hint().empty());
    std::string shown = test::all_text(error);
    for (const std::string_view example : {"+14155550123", "someone@example.com"}) {
        if (const std::size_t at = shown.find(example); at != std::string::npos) {
            shown.erase(at, example.size());
        }
    }
    for (std::size_t at = 0; at + 4 <= text.size() && at < 300; ++at) {
        const std::string_view piece = text.substr(at, 4);
        if (std::count_if(piece.begin(), piece.end(), is_digit) >= 2) {
            EXPECT_EQ(shown.find(piece), std::string::npos) << "shows the recipient";
        }
    }
    EXPECT_FALSE(read_recipient(text) && channel != Channel::email &&
                 text.find('@') == std::string_view::npos)
        << "read_recipient reads what normalise_recipient refuses";
    return error;
}

std::string refused_number(std::string_view text) {
    return refusal_of(Channel::sms, text).message();
}

std::string refused_address(std::string_view text) {
    const Error error = refusal_of(Channel::email, text);
    EXPECT_EQ(error.hint(), address_hint);
    return error.message();
}

TEST(Channel, NamesGoBothWays) {
    for (const Channel channel :
         {Channel::sms, Channel::voice, Channel::whatsapp, Channel::email}) {
        EXPECT_EQ(parse_channel(channel_name(channel)), channel);
    }
    EXPECT_EQ(channel_name(Channel::whatsapp), "whatsapp");
}

TEST(Channel, UnknownNamesGetTheList) {
    const auto refused = [](std::string_view name) {
        const Error error = test::error_of([&] { static_cast<void>(parse_channel(name)); });
        EXPECT_STREQ(error.sqlstate(), "22023");
        EXPECT_EQ(error.hint(), "The channels are sms, voice, whatsapp and email.");
        return error.message();
    };
    EXPECT_EQ(refused("fax"), "unknown channel \"fax\"");
    EXPECT_EQ(refused("SMS"), "unknown channel \"SMS\"");
    // What may be a recipient or a code in the wrong place is not shown.
    for (const std::string_view name : {"", "+14155550123", "048291", "a@example.com", "sms ",
                                        "s\nms", "abcdefghijklmnopqrstu", "sms\xff"}) {
        EXPECT_EQ(refused(name), "unknown channel");
    }
    EXPECT_EQ(refused(std::string_view("sms\0", 4)), "unknown channel");
}

TEST(Number, ReadsOneNumberInManyForms) {
    for (const std::string_view form :
         {"+14155550123",
          "+1 415 555 0123",
          "+1 (415) 555-0123",
          "+1-415-555-0123",
          "+1.415.555.0123",
          "0014155550123",
          "00 1 415 555 0123",
          "00-1-415-555-0123",
          "0 0 1 415 555 0123",
          "  +14155550123  ",
          "+1(415)5550123",
          "(+1) 415 555 0123",
          "+ 1 415 555 0123",
          "+1\t415\t5550123\r\n",
          "+1)415(5550123",
          "+1 (415 555 0123",
          "\u202A+1 415 555\u00A00123\u202C", // as copied from a contact
          "+1\u2011415\u2011555\u20110123",
          "+1\u2013415\u20135550123",
          "\uFEFF+14155550123",
          "＋１４１５５５５０１２３",
          "+١٤١٥٥٥٥٠١٢٣",
          "+۱۴۱۵۵۵۵۰۱۲۳",
          "+१४१५५५५०१२३",
          "٠٠١٤١٥٥٥٥٠١٢٣",
          "（＋１）４１５－５５５－０１２３"}) {
        EXPECT_EQ(read_recipient(form), "+14155550123") << form;
        for (const Channel channel : {Channel::sms, Channel::voice, Channel::whatsapp}) {
            EXPECT_EQ(normalise_recipient(channel, form), "+14155550123") << form;
        }
    }
    EXPECT_EQ(normalise_recipient(Channel::sms, "+44 20 7946 0958"), "+442079460958");
    EXPECT_EQ(normalise_recipient(Channel::sms, "+39 06 1234 5678"), "+390612345678");
    EXPECT_EQ(normalise_recipient(Channel::sms, "+49 (0800) 123456"), "+490800123456");
    EXPECT_EQ(normalise_recipient(Channel::sms, "+49 (30) 1234567"), "+49301234567");
}

TEST(Number, Has7To15Digits) {
    for (std::size_t digits = 1; digits <= 120; ++digits) {
        const std::string text = "+" + std::string(digits, '9');
        const std::string with_zeros = "00" + std::string(digits, '9');
        if (digits >= 7 && digits <= 15) {
            EXPECT_EQ(normalise_recipient(Channel::sms, text), text);
            EXPECT_EQ(normalise_recipient(Channel::sms, with_zeros), text);
        } else {
            const std::string message = "recipient has " + std::to_string(digits) +
                                        (digits == 1 ? " digit" : " digits") +
                                        ", but a phone number has 7 to 15";
            EXPECT_EQ(refused_number(text), message);
            EXPECT_EQ(refused_number(with_zeros), message);
            EXPECT_EQ(refusal_of(Channel::voice, text).hint(), number_hint);
        }
    }
}

TEST(Number, SaysWhatIsWrong) {
    const std::string no_country =
        "recipient has no country code: it begins with neither \"+\" nor \"00\"";
    EXPECT_EQ(refused_number(""), "recipient has no digit");
    EXPECT_EQ(refused_number("   "), "recipient has no digit");
    EXPECT_EQ(refused_number("+"), "recipient has no digit");
    EXPECT_EQ(refused_number("+()-."), "recipient has no digit");
    EXPECT_EQ(refused_number("4155550123"), no_country);
    EXPECT_EQ(refused_number("0415555012"), no_country);
    EXPECT_EQ(refused_number("0"), no_country);
    EXPECT_EQ(refused_number("011 1 415 555 0123"), no_country);
    EXPECT_EQ(refused_number("+04155550123"), "recipient has a country code that begins with 0");
    EXPECT_EQ(refused_number("+0014155550123"), "recipient has a country code that begins with 0");
    EXPECT_EQ(refused_number("0004155550123"), "recipient has a country code that begins with 0");
    EXPECT_EQ(refused_number("00"), "recipient has 0 digits, but a phone number has 7 to 15");
    const std::string character =
        "recipient has a character that no phone number has, at position ";
    EXPECT_EQ(refused_number("x"), character + "1");
    EXPECT_EQ(refused_number("++14155550123"), character + "2");
    EXPECT_EQ(refused_number("1+4155550123"), character + "2");
    EXPECT_EQ(refused_number("+14155550123+"), character + "13");
    EXPECT_EQ(refused_number("+14155550123;ext=5"), character + "13");
    EXPECT_EQ(refused_number("+1415555012E"), character + "12");
    EXPECT_EQ(refused_number("+1415/5550123"), character + "6");
    EXPECT_EQ(refused_number("tel:+14155550123"), character + "1");
    EXPECT_EQ(refused_number("+1415\u00A0555012é"), character + "13"); // characters, not bytes
    EXPECT_EQ(refused_number("+1415555\xff"), character + "9");
    EXPECT_EQ(refused_number("+1415555\xd9"), character + "9");
    EXPECT_EQ(refused_number(std::string_view("+1415555\0", 9)), character + "9");
    EXPECT_EQ(refused_number("+1415555😀"), character + "9");
}

TEST(Number, RefusesANationalPrefixInParentheses) {
    for (const std::string_view text : {"+44 (0)20 7946 0958", "+44(0)2079460958",
                                        "+49 ( 0 ) 30 1234567", "0044 (0) 20 7946 0958"}) {
        const Error error = refusal_of(Channel::sms, text);
        EXPECT_EQ(error.message(),
                  "recipient has a national prefix (0) inside an international number");
        EXPECT_EQ(error.hint(), "Leave out the (0) and give the number in international form, such "
                                "as +14155550123.");
        EXPECT_EQ(read_recipient(text), std::nullopt);
    }
}

TEST(Number, TellsAnAddressFromANumber) {
    const Error error = refusal_of(Channel::sms, "someone1234@example.com");
    EXPECT_NE(refusal_of(Channel::sms, "1234@example.com").message(), error.message());
    EXPECT_EQ(refused_number("1234@example.com"),
              "recipient is not a phone number, but has an \"@\"");
}

TEST(Number, IsReadUpTo128Bytes) {
    EXPECT_EQ(normalise_recipient(Channel::sms, "+14155550123" + std::string(116, ' ')),
              "+14155550123");
    EXPECT_EQ(refused_number("+14155550123" + std::string(117, ' ')),
              "recipient has 129 bytes, but is read up to 128");
    EXPECT_EQ(refused_number(std::string(64 << 20, '9')),
              "recipient has 67108864 bytes, but is read up to 128");
}

TEST(Address, IsInLowerCaseWithoutSpacesAround) {
    for (const std::string_view form : {"someone@example.com", "Someone@Example.COM",
                                        "  someone@example.com\t", "SOMEONE@EXAMPLE.COM"}) {
        EXPECT_EQ(normalise_recipient(Channel::email, form), "someone@example.com");
        EXPECT_EQ(read_recipient(form), "someone@example.com");
    }
    for (const std::string_view address :
         {"a@b", "o'brien+tag@mail.example.co.uk", "first.last@example.com",
          "a!#$%&*-/=?^_`{|}~b@x.y", "1234567@1.example", "a@xn--mller-kva.example",
          "+14155550123@example.com"}) {
        EXPECT_EQ(normalise_recipient(Channel::email, address), address);
    }
}

TEST(Address, HasBoundsOnBothParts) {
    const std::string label(63, 'd');
    const std::string domain = label + "." + label + "." + label + "." + label; // 255 bytes
    ASSERT_EQ(domain.size(), 255U);
    const std::string longest = std::string(64, 'l') + "@" + domain;
    EXPECT_EQ(normalise_recipient(Channel::email, longest), longest);
    EXPECT_EQ(refused_address("l" + longest),
              "recipient has 65 bytes before the \"@\", but an address has 1 to 64");
    EXPECT_EQ(refused_address(longest + "d"),
              "recipient has 256 bytes behind the \"@\", but an address has 1 to 255");
    EXPECT_EQ(refused_address("@example.com"),
              "recipient has 0 bytes before the \"@\", but an address has 1 to 64");
    EXPECT_EQ(refused_address("someone@"),
              "recipient has 0 bytes behind the \"@\", but an address has 1 to 255");
    EXPECT_EQ(refused_address("a@" + label + "d.com"),
              "recipient has no valid domain name behind the \"@\"");
    EXPECT_EQ(refused_address(std::string(64 << 20, 'a') + "@b"),
              "recipient has 67108864 bytes before the \"@\", but an address has 1 to 64");
}

TEST(Address, SaysWhatIsWrong) {
    for (const std::string_view text : {"", " ", "someone", "+14155550123"}) {
        EXPECT_EQ(refused_address(text), "recipient is not an e-mail address: it has no \"@\"");
    }
    for (const std::string_view text : {"a@b@c", "a@@b", "@@"}) {
        EXPECT_EQ(refused_address(text),
                  "recipient is not an e-mail address: it has more than one \"@\"");
    }
    for (const std::string_view text :
         {"a b@x.y", "a\"b@x.y", "a,b@x.y", "<a@x.y", "a;b@x.y", "a:b@x.y", "a(b@x.y", "a\\b@x.y",
          "a[b@x.y", ".a@x.y", "a.@x.y", "a..b@x.y", "a\nb@x.y", "a\rb@x.y", "é@x.y", "a\xff@x.y",
          "a\x7f@x.y"}) {
        EXPECT_EQ(refused_address(text),
                  "recipient has a character before the \"@\" that no address has there")
            << text;
    }
    for (const std::string_view text :
         {"a@x y", "a@x..y", "a@.x", "a@x.", "a@-x", "a@x-", "a@x.-y", "a@[127.0.0.1]", "a@x>",
          "a@x,b", "a@x_y", "a@x\ny", "a@x.y\n", "a@é.y", "a@x\xff", "a@\"x\""}) {
        EXPECT_EQ(refused_address(text), "recipient has no valid domain name behind the \"@\"")
            << text;
    }
    EXPECT_EQ(refused_address(std::string_view("a@x\0y", 5)),
              "recipient has no valid domain name behind the \"@\"");
}

TEST(ReadRecipient, IsIdempotentAndSilent) {
    for (const std::string_view text :
         {"", "x", "12345", "+1", "a@", "@", "a@b@c", "+44 (0)20 7946 0958", "4155550123", "\xff",
          "00000000000"}) {
        EXPECT_EQ(read_recipient(text), std::nullopt) << text;
    }
    for (const std::string_view text : {"+14155550123", "A@B.c"}) {
        const std::optional<std::string> once = read_recipient(text);
        ASSERT_TRUE(once);
        EXPECT_EQ(read_recipient(*once), once);
    }
}

TEST(ReadRequestId, ReadsTheFormsThatPostgresReads) {
    const RequestId id{0xA0, 0xEE, 0xBC, 0x99, 0x9C, 0x0B, 0x4E, 0xF8,
                       0xBB, 0x6D, 0x6B, 0xB9, 0xBD, 0x38, 0x0A, 0x11};
    for (const std::string_view form :
         {"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
          "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", "a0eebc999c0b4ef8bb6d6bb9bd380a11",
          "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", "{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}"}) {
        EXPECT_EQ(read_request_id(form), id) << form;
        EXPECT_EQ(read_recipient(form), std::nullopt);
    }
}

TEST(ReadRequestId, RefusesEverythingElse) {
    const std::string form = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
    for (std::size_t size = 0; size < form.size(); ++size) {
        EXPECT_EQ(read_request_id(form.substr(0, size)), std::nullopt) << size;
        for (const char c : std::string_view("gG -{}@+\0\xff", 10)) {
            std::string changed = form;
            changed[size] = c;
            if (changed != form) {
                EXPECT_EQ(read_request_id(changed), std::nullopt) << changed;
            }
        }
    }
    for (const std::string &text :
         {form + "0", form + "-", form + " ", " " + form, "-" + form, "{" + form, form + "}",
          "{" + form + "}}", "{{" + form + "}}", std::string("{}"), std::string("{"),
          std::string("a0eebc99--9c0b-4ef8-bb6d-6bb9bd380a11"),
          std::string("a0-eebc999c0b4ef8bb6d6bb9bd380a11"), std::string(64 << 20, 'a')}) {
        EXPECT_EQ(read_request_id(text), std::nullopt);
    }
}

// Whatever the text, it is at most one of the two.
TEST(ReadRequestId, IsNeverAlsoARecipient) {
    for (const std::string_view text :
         {"00112233445566778899001122334455", "0011-2233-4455-6677-8899-0011-2233-4455",
          "{00112233445566778899001122334455}"}) {
        EXPECT_TRUE(read_request_id(text));
        EXPECT_EQ(read_recipient(text), std::nullopt);
    }
    for (const std::string_view text :
         {"00441234567", "001234567890123456", "+14155550123", "a@b"}) {
        EXPECT_EQ(read_request_id(text), std::nullopt);
    }
}

TEST(MaskRecipient, HidesEnough) {
    EXPECT_EQ(mask_recipient("+14155550123"), "+1415*****23");
    EXPECT_EQ(mask_recipient("+442079460958"), "+4420******58");
    EXPECT_EQ(mask_recipient("+123456789012345"), "+1234*********45");
    EXPECT_EQ(mask_recipient("+1234567890"), "+123*****90");
    EXPECT_EQ(mask_recipient("+12345678"), "+1*****78");
    EXPECT_EQ(mask_recipient("+1234567"), "+*****67");
    EXPECT_EQ(mask_recipient("someone@example.com"), "s***@example.com");
    EXPECT_EQ(mask_recipient("ab@example.com"), "a***@example.com");
    EXPECT_EQ(mask_recipient("a@example.com"), "***@example.com");
}

TEST(MaskRecipient, ShowsNothingOfWhatIsNoRecipient) {
    for (const std::string_view text : {"", "+", "+123456", "14155550123", "secret"}) {
        EXPECT_EQ(mask_recipient(text), "***");
    }
    EXPECT_EQ(mask_recipient("@"), "***@");
}

TEST(MailAddress, IsBareAndAscii) {
    for (const std::string_view good :
         {"a@b", "Some.One+x@Example.com", "!#$%&'*+-/=?^_`{|}~@b.example", "a@127.0.0.1"})
        EXPECT_TRUE(is_mail_address(good)) << good;
    EXPECT_TRUE(is_mail_address(std::string(64, 'a') + "@b.example"));
    EXPECT_FALSE(is_mail_address(std::string(65, 'a') + "@b.example"));
    std::string domain = "b";
    while (domain.size() < 255)
        domain += ".b";
    EXPECT_TRUE(is_mail_address("a@" + domain));
    EXPECT_FALSE(is_mail_address("a@" + domain + ".b"));
    for (const std::string_view bad :
         {"",     "a",     "@",     "a@",    "@b",      "a@b@c",   " a@b",       "a@b ",  "<a@b>",
          "a@b>", "a@b\n", "a\r@b", "a b@c", "\"a\"@b", "a@[::1]", ".a@b",       "a.@b",  "a..b@c",
          "a@.b", "a@b.",  "a@-b",  "ü@b",   "a@ü",     "a,b@c",   "a@b SIZE=1", "a;b@c", "(a)@b"})
        EXPECT_FALSE(is_mail_address(bad)) << bad;
    EXPECT_FALSE(is_mail_address(std::string_view("a@b\0", 4)));
}

} // namespace
} // namespace mfa::core
