#include "core/http.hpp"

#include <string>

#include <gtest/gtest.h>

#include "base64.hpp"
#include "core/json.hpp"
#include "core/utf8.hpp"
#include "core_helpers.hpp"

namespace mfa::core {
namespace {

using namespace std::chrono_literals;
using test::all_text;
using test::decode_base64;
using test::error_of;

std::string percent(std::string_view text) {
    Secret out;
    append_percent_encoded(out, text);
    return std::string(out.view());
}

std::string json(std::string_view text) {
    Secret out;
    append_json_escaped(out, text);
    return std::string(out.view());
}

std::string xml(std::string_view text) {
    Secret out;
    append_xml_escaped(out, text);
    return std::string(out.view());
}

std::string all_bytes() {
    std::string bytes;
    for (int i = 0; i < 256; i++)
        bytes += static_cast<char>(i);
    return bytes;
}

// --- escaping

TEST(PercentEncoding, EveryByte) {
    for (int i = 0; i < 256; i++) {
        const char c = static_cast<char>(i);
        const bool unreserved =
            std::isalnum(i) != 0 || c == '-' || c == '.' || c == '_' || c == '~';
        std::array<char, 4> expected{};
        std::snprintf(expected.data(), expected.size(), "%%%02X", static_cast<unsigned>(i));
        EXPECT_EQ(percent({&c, 1}), unreserved ? std::string(1, c) : expected.data());
    }
    EXPECT_EQ(percent("+1 é&=%"), "%2B1%20%C3%A9%26%3D%25");
}

TEST(JsonEscaping, IsReadBackAsItWas) {
    EXPECT_EQ(json("a\"b\\c/d\b\f\n\r\t\x01\x1F\x7Fé😀"),
              "a\\\"b\\\\c/d\\u0008\\u000c\\n\\r\\t\\u0001\\u001f\x7Fé😀");
    EXPECT_EQ(json(std::string_view("\0", 1)), "\\u0000");
    for (char32_t c = 0; c < 0x80; c++) {
        const std::string text(1, static_cast<char>(c));
        EXPECT_EQ(json_scalar_at("\"" + json(text) + "\"", ""), text);
    }
    EXPECT_EQ(json("a\xFF\xC3"), "a\uFFFD\uFFFD");
    EXPECT_TRUE(is_json("\"" + json(all_bytes()) + "\""));
}

TEST(XmlEscaping, LeavesNoMarkupAndNoForbiddenCharacter) {
    EXPECT_EQ(xml("<a b=\"c\" d='e'>&amp;]]>"),
              "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;amp;]]&gt;");
    EXPECT_EQ(xml("a\tb\nc\rd"), "a&#9;b&#10;c&#13;d");
    EXPECT_EQ(xml("é😀"), "é😀");
    EXPECT_EQ(xml(std::string_view("a\0\x01\x1F", 4)), "a\uFFFD\uFFFD\uFFFD");
    EXPECT_EQ(xml("\xEF\xBF\xBE\xEF\xBF\xBF\xFF"), "\uFFFD\uFFFD\uFFFD");
    EXPECT_TRUE(is_utf8(xml(all_bytes())));
    EXPECT_EQ(xml(all_bytes()).find_first_of("<>\"'"), std::string::npos);
}

TEST(Form, Fields) {
    FormBody form;
    form.add("To", "+14155550123").add("Body", "a&b=c d+e%\r\né").add("", "").add("x{}", "{to}");
    EXPECT_EQ(form.take().view(),
              "To=%2B14155550123&Body=a%26b%3Dc%20d%2Be%25%0D%0A%C3%A9&=&x%7B%7D="
              "%7Bto%7D");
}

// --- base64 and Basic

TEST(Base64, Rfc4648Vectors) {
    const std::array<std::pair<std::string_view, std::string_view>, 7> vectors{
        {{"", ""},
         {"f", "Zg=="},
         {"fo", "Zm8="},
         {"foo", "Zm9v"},
         {"foob", "Zm9vYg=="},
         {"fooba", "Zm9vYmE="},
         {"foobar", "Zm9vYmFy"}}};
    for (const auto &[plain, encoded] : vectors) {
        EXPECT_EQ(base64(plain).view(), encoded);
        ASSERT_TRUE(decode_base64(encoded).has_value());
        EXPECT_EQ(decode_base64(encoded)->view(), plain);
    }
}

TEST(Base64, AnyBytesOfAnyLength) {
    for (std::size_t length = 0; length < 256; length++) {
        const std::string bytes = all_bytes().substr(256 - length);
        const Secret encoded = base64(bytes);
        EXPECT_EQ(encoded.size(), (length + 2) / 3 * 4);
        const auto decoded = decode_base64(encoded.view());
        ASSERT_TRUE(decoded.has_value());
        EXPECT_EQ(decoded->view(), bytes);
    }
}

TEST(Base64, DecodesNothingButTheCanonicalForm) {
    for (const std::string_view text :
         {"Z",        "Zg",    "Zg=",     "Zg===",  "Zm9v=", "====",    "=",
          "Zg==Zg==", "Zg= =", " Zg==",   "Zg==\n", "Zm8\n", "Zm9_",    "Zm-v",
          "Zh==",     "Zm9=",  "Zm\x80v", "Z===",   "Zg=g",  "Zm9v===="}) {
        EXPECT_FALSE(decode_base64(text).has_value()) << text;
    }
    EXPECT_FALSE(decode_base64(std::string_view("Zm9\0", 4)).has_value());
}

TEST(BasicAuth, Rfc7617Example) {
    EXPECT_EQ(basic_auth_header("Aladdin", "open sesame").view(),
              "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    EXPECT_EQ(basic_auth_header("test", "123\u00A3").view(),
              "Authorization: Basic dGVzdDoxMjPCow==");
    EXPECT_EQ(basic_auth_header("", "").view(), "Authorization: Basic Og==");
}

// --- Retry-After

constexpr std::time_t now = 784'111'777; // Sun, 06 Nov 1994 08:49:37 GMT

TEST(RetryAfter, Seconds) {
    EXPECT_EQ(parse_retry_after("0", now), 0s);
    EXPECT_EQ(parse_retry_after("120", now), 120s);
    EXPECT_EQ(parse_retry_after(" \t120 ", now), 120s);
    EXPECT_EQ(parse_retry_after("604799", now), 604'799s);
    EXPECT_EQ(parse_retry_after("604800", now), 604'800s);
    EXPECT_EQ(parse_retry_after("604801", now), 604'800s);
    EXPECT_EQ(parse_retry_after("99999999999999999999999999", now), 604'800s);
}

TEST(RetryAfter, TheThreeDateForms) {
    EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), 0s);
    EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:51:37 GMT", now), 120s);
    EXPECT_EQ(parse_retry_after("Sunday, 06-Nov-94 08:50:37 GMT", now), 60s);
    EXPECT_EQ(parse_retry_after("Sun Nov  6 08:49:47 1994", now), 10s);
    EXPECT_EQ(parse_retry_after("Sun Nov 16 08:49:47 1994", now), 604'800s);
    EXPECT_EQ(parse_retry_after("Fri, 31 Dec 1999 23:59:59 GMT", now), 604'800s);
    EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:36 GMT", now), 0s); // past
    EXPECT_EQ(parse_retry_after("Thu, 01 Jan 1970 00:00:00 GMT", now), 0s);
    EXPECT_EQ(parse_retry_after("Sat, 31 Dec 2016 23:59:60 GMT", 1'483'228'740),
              60s); // leap second
    // Two-digit years: at most 50 years ahead.
    EXPECT_EQ(parse_retry_after("Friday, 06-Nov-44 08:49:37 GMT", now), 604'800s);
    EXPECT_EQ(parse_retry_after("Friday, 06-Nov-45 08:49:37 GMT", now), 0s);
}

TEST(RetryAfter, NothingElse) {
    for (const std::string_view value : {"",
                                         " ",
                                         "-1",
                                         "+5",
                                         "1.5",
                                         "5s",
                                         "0x10",
                                         "1e3",
                                         "soon",
                                         "Sun",
                                         "GMT",
                                         ",,,,,",
                                         "Sun, 06 Nov 1994 08:49:37",
                                         "Sun, 06 Nov 1994 08:49:37 PST",
                                         "06 Nov 1994 08:49:37 GMT",
                                         "Sun, 31 Feb 1994 08:49:37 GMT",
                                         "Sun, 00 Nov 1994 08:49:37 GMT",
                                         "Sun, 06 nov 1994 08:49:37 GMT",
                                         "Sun, 06 Nov 1994 24:49:37 GMT",
                                         "Sun, 06 Nov 1994 08:60:37 GMT",
                                         "Sun, 06 Nov 1994 08:49:61 GMT",
                                         "Sun, 06 Nov 1994 8:49:37 GMT",
                                         "Sun, 06 Nov 1994 08:49 GMT",
                                         "Sun, 06 Nov 994 08:49:37 GMT",
                                         "Sun, 06 Nov 19945 08:49:37 GMT",
                                         "Sun, 06 Nov 1994 08:49:37 GMT x",
                                         "Sun, 006 Nov 1994 08:49:37 GMT",
                                         "Sun, 06 Nov 1994 08:49:37:00 GMT",
                                         "Sun, -6 Nov 1994 08:49:3x GMT"})
        EXPECT_EQ(parse_retry_after(value, now), std::nullopt) << value;
    EXPECT_EQ(parse_retry_after(std::string(65, '1'), now), std::nullopt);
    EXPECT_EQ(parse_retry_after(std::string(64, '1'), now), 604'800s);
}

// --- URLs

TEST(ProviderUrl, Allowed) {
    for (const std::string_view url :
         {"https://example.signalwire.com", "https://example.com/",
          "https://example.com:8443/a/b?c=d", "HTTPS://EXAMPLE.com", "https://10.0.0.1/x",
          "https://[2001:db8::1]/x", "https://host_1.example/x",
          "https://gw/send?to={to}&text={text}", "https://gw/{id}/@x", "https://gw?x=@",
          "http://127.0.0.1", "http://127.0.0.1:8080/x", "http://127.255.255.254/",
          "http://localhost:8080", "http://LOCALHOST/", "http://[::1]:8080/x",
          "http://[0:0:0:0:0:0:0:1]/", "https://example.com/%7Bx%7D"})
        EXPECT_NO_THROW(check_provider_url("url", url)) << url;
    const std::string longest = "https://e/" + std::string(2038, 'a');
    EXPECT_EQ(longest.size(), max_url_bytes);
    EXPECT_NO_THROW(check_provider_url("url", longest));
    EXPECT_THROW(check_provider_url("url", longest + "a"), Error);
}

TEST(ProviderUrl, PlainHttpOnlyToLoopback) {
    for (const std::string_view host :
         {"example.com", "10.0.0.1", "128.0.0.1", "126.255.255.255", "0.0.0.0", "[::]", "[::2]",
          "[::ffff:127.0.0.1]", "localhost.example.com", "127.0.0.1.example.com", "xlocalhost",
          "localhost.", "127.0.0.1.nip.io", "2130706434.com"}) {
        const Error error = error_of(
            [&] { check_provider_url("base_url", "http://" + std::string(host) + "/s3cret?k=v"); });
        EXPECT_STREQ(error.sqlstate(), "HV024") << host;
        EXPECT_NE(error.message().find("\"base_url\""), std::string::npos);
        EXPECT_EQ(all_text(error).find("s3cret"), std::string::npos);
        EXPECT_EQ(all_text(error).find("k=v"), std::string::npos);
    }
    EXPECT_EQ(error_of([] { check_provider_url("url", "http://example.com/x"); }).message(),
              "option \"url\" must be an https URL, or http to a loopback address, not "
              "\"http://example.com\"");
}

TEST(ProviderUrl, Refused) {
    for (const std::string_view url : {"",
                                       "x",
                                       "example.com",
                                       "//example.com",
                                       "https:",
                                       "https://",
                                       "https:///x",
                                       "https:/x",
                                       "https:example.com",
                                       "https:/evil.example/?x=https://gw.example/",
                                       "http:/127.0.0.1/{text}&://127.0.0.1/",
                                       "https:/user:s3cret@example.com/?x=://gw.example/",
                                       "https:/{to}.example/?x=://gw.example/",
                                       "://x",
                                       "1https://example.com",
                                       "ftp://example.com",
                                       "file:///etc/passwd",
                                       "gopher://example.com",
                                       "javascript:alert(1)",
                                       "unix:///tmp/x",
                                       "httpss://example.com",
                                       "https://user@example.com",
                                       "https://user:s3cret@example.com",
                                       "https://@example.com",
                                       "https://:@example.com",
                                       "https://evil.com@example.com",
                                       "http://127.0.0.1@example.com/",
                                       "http://example.com\\@127.0.0.1/",
                                       "https://example.com#f",
                                       "https://example.com/#",
                                       "https://example.com/a b",
                                       "https://example.com/\t",
                                       "https://example.com/\r\nX: y",
                                       "https://example.com/é",
                                       "https://exämple.com",
                                       "https://{to}.example.com",
                                       "https://example.com:{id}/x",
                                       "https://{to}",
                                       "https://exa{mple.com",
                                       "https://a}b",
                                       "https://example.com:99999",
                                       "https://example.com:x",
                                       "https://[::1",
                                       "https://::1/",
                                       "https://%65xample.com",
                                       "http://127.0.0.1%2f.example.com/",
                                       "https://[fe80::1%25eth0]/",
                                       "http://[::1%25lo]/",
                                       "https://a,b",
                                       "https://a;b",
                                       "https://a$b",
                                       "https://*",
                                       " https://example.com",
                                       "https://example.com ",
                                       "https://example.com:443:443/"}) {
        const Error error = error_of([&] { check_provider_url("url", url); });
        EXPECT_STREQ(error.sqlstate(), "HV024") << url;
        EXPECT_NE(error.message().find("\"url\""), std::string::npos) << url;
        EXPECT_EQ(all_text(error).find("s3cret"), std::string::npos) << url;
    }
    EXPECT_THROW(check_provider_url("url", std::string_view("https://a/\0b", 12)), Error);
}

TEST(MailServerUrl, Form) {
    for (const std::string_view url :
         {"smtp://mail.example:587", "smtps://mail.example:465", "SMTP://[2001:db8::1]:25/",
          "smtp://localhost", "smtp://mail.example/db1.shop.example"})
        EXPECT_NO_THROW(check_mail_server_url("url", url)) << url;
    for (const std::string_view url :
         {"", "mail.example", "http://mail.example", "imap://mail.example", "smtp://",
          "smtp://user:pw@mail.example", "smtp://mail.example/a/b", "smtp://mail.example/a%0d%0ab",
          "smtp://mail.example/a b", "smtp://mail.example?x", "smtp://mail.example?",
          "smtp://mail.example/?x=y", "smtp://mail.example#f", "smtp://u;AUTH=NTLM@mail.example",
          "smtp://mail.example/x;AUTH=NTLM", "smtp://{to}", "smtp://mail.example/{to}"}) {
        const Error error = error_of([&] { check_mail_server_url("url", url); });
        EXPECT_STREQ(error.sqlstate(), "HV024") << url;
        EXPECT_NE(error.message().find("\"url\""), std::string::npos) << url;
    }
}

TEST(ProxyUrl, Form) {
    for (const std::string_view url : {"http://proxy:3128", "https://proxy.example:443",
                                       "socks5://10.0.0.1:1080", "socks5h://[2001:db8::1]:1080/"})
        EXPECT_NO_THROW(check_proxy_url("proxy", url)) << url;
    for (const std::string_view url :
         {"", "proxy:3128", "ftp://proxy", "http://user:pw@proxy", "http://proxy/path",
          "http://proxy?x", "http://proxy/?x=y", "http://proxy#f", "socks4://proxy", "http://{to}"})
        EXPECT_STREQ(error_of([&] { check_proxy_url("proxy", url); }).sqlstate(), "HV024") << url;
}

} // namespace
} // namespace mfa::core
