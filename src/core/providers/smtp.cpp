// E-mail, by any server that takes it over SMTP (RFC 5321).
//
// Addresses are ASCII: SMTPUTF8 (RFC 6531) is not spoken, since the recipient's one form is ASCII and
// since nobody could answer for what a server without it makes of the rest. A domain with other
// letters is written in its xn-- form.
#include <algorithm>
#include <array>
#include <string>

#include "core/ascii.hpp"
#include "core/error.hpp"
#include "core/mail_text.hpp"
#include "core/option_checks.hpp"
#include "core/provider_parts.hpp"
#include "core/providers/providers.hpp"
#include "core/utf8.hpp"

namespace mfa::core {

namespace {

constexpr std::array channels{Channel::email};
constexpr std::string_view default_subject = "Your code";
constexpr std::size_t max_text_bytes = 200;

void check_address(std::string_view name, std::string_view value) {
    if (!is_mail_address(value))
        refuse_option(name, "must be an e-mail address of ASCII characters",
                      "For example codes@example.com. Write an international domain name in its "
                      "xn-- form; the name to show is option \"from_name\".");
}

void check_text(std::string_view name, std::string_view value) {
    std::size_t bytes = 0;
    bool good = !value.empty() && value.size() <= max_text_bytes;
    while (good && bytes < value.size()) {
        const CodePoint c = first_code_point(value.substr(bytes));
        good = c.valid && !is_control(c.value);
        bytes += c.bytes;
    }
    if (!good)
        refuse_option(name, "must be one line of 1 to " + std::to_string(max_text_bytes) +
                                " bytes of text");
}

// The subject shows on lock screens, and stands in logs of mail servers.
void check_subject(std::string_view name, std::string_view value) {
    check_text(name, value);
    if (value.find_first_of("{}") != std::string_view::npos)
        refuse_option(name, "must have no placeholder",
                      "It is sent as it is; the code belongs in the text.");
}

constexpr std::array smtp_options{
    OptionSpec{"url", OptionPlace::server, true, check_mail_server_url},
    OptionSpec{"sender", OptionPlace::server, true, check_address}, // in place of the common one
    OptionSpec{"from_name", OptionPlace::server, false, check_text},
    OptionSpec{"subject", OptionPlace::server, false, check_subject},
    OptionSpec{"user", OptionPlace::user_mapping, false, check_text},
    OptionSpec{"password", OptionPlace::user_mapping, false, check_text},
};

void check(const Options &options) {
    if (is_given(options, "user") == is_given(options, "password"))
        return;
    const std::string missing = is_given(options, "user") ? "password" : "user";
    throw Error(sqlstate::object_not_in_prerequisite_state,
                "option \"" + missing + "\" of the user mapping is not set",
                "Set both \"user\" and \"password\", or none of them for a server that wants no "
                "log-in.");
}

std::string_view domain_of(std::string_view address) noexcept {
    return address.substr(address.find('@') + 1);
}

// Ours, so that it is known before the server answers, and stands in what bounces. '' where the
// message has no id that fits in (RFC 5322, 3.6.4).
std::string own_message_id(const OutboundMessage &message) {
    const std::string_view id = message.id;
    const bool fits = !id.empty() && is_alnum(id.front()) && is_alnum(id.back()) &&
                      id.find("..") == std::string_view::npos &&
                      std::all_of(id.begin(), id.end(),
                                  [](char c) { return is_alnum(c) || c == '-' || c == '.'; });
    if (!fits || !is_mail_address(message.sender))
        return {};
    return std::string(id).append("@").append(domain_of(message.sender));
}

// BCP 47, as RFC 3282 wants it.
std::string content_language(std::string_view locale) {
    constexpr std::size_t most = 35; // RFC 5646, 4.4.1
    std::string tag(locale.substr(0, most + 1));
    std::replace(tag.begin(), tag.end(), '_', '-');
    const bool good = tag.size() <= most && std::all_of(tag.begin(), tag.end(), [](char c) {
                          return is_alnum(c) || c == '-';
                      });
    return good ? tag : std::string();
}

// All of it but the recipient and the text: nothing that has to be wiped.
std::string headers_behind_to(const OutboundMessage &message, const Options &options) {
    std::string headers = "Subject: ";
    append_header_text(headers, options.get("subject", default_subject));
    headers.append("\r\n");
    if (const std::string id = own_message_id(message); !id.empty())
        headers.append("Message-ID: <").append(id).append(">\r\n");
    headers.append("MIME-Version: 1.0\r\n"
                   "Content-Type: text/plain; charset=utf-8\r\n"
                   "Content-Transfer-Encoding: quoted-printable\r\n");
    if (const std::string language = content_language(message.locale); !language.empty())
        headers.append("Content-Language: ").append(language).append("\r\n");
    // So that nobody is told that we are on holiday (RFC 3834, 5).
    return headers.append("Auto-Submitted: auto-generated\r\n\r\n");
}

std::string from_header(const OutboundMessage &message, const Options &options) {
    std::string from = "From: ";
    if (const std::string_view name = options.get("from_name"); !name.empty()) {
        append_display_name(from, name);
        from.append("\r\n "); // a name and an address may be too much for a line
    }
    return from.append("<").append(message.sender).append(">\r\n");
}

HttpRequest build(const OutboundMessage &message, const Options &options) {
    if (!is_mail_address(message.sender))
        refuse_build("the sender of an e-mail must be an e-mail address of ASCII characters",
                     "Leave it out, so that option \"sender\" of the server is used.");
    if (!is_mail_address(message.recipient))
        refuse_build("the recipient of an e-mail must be an e-mail address of ASCII characters",
                     "Use another channel for phone numbers.");

    HttpRequest request;
    request.url = Secret(options.get("url"));
    request.mail = MailEnvelope{Secret(message.sender), Secret(message.recipient),
                                Secret(options.get("user")), Secret(options.get("password"))};
    Secret mail("Date: ");
    mail.append(mail_date(message.now)).append("\r\n");
    mail.append(from_header(message, options));
    mail.append("To: <").append(message.recipient).append(">\r\n");
    mail.append(headers_behind_to(message, options));
    append_quoted_printable(mail, message.text);
    request.body = std::move(mail);
    return request;
}

// RFC 5321, 4.2.3; RFC 4954, 6; RFC 7504.
struct KnownReply {
    long code;
    std::string_view meaning;
    Service service = Service::up;
};
constexpr std::array known_replies{
    KnownReply{421, "server is closing", Service::down},
    KnownReply{432, "password has to be changed"},
    KnownReply{450, "mailbox busy, or put off by policy"},
    KnownReply{451, "temporary failure of the server"},
    KnownReply{452, "server is out of storage"},
    KnownReply{454, "temporary failure of log-in or TLS", Service::down},
    KnownReply{455, "temporary failure of the server"},
    KnownReply{521, "host takes no mail"},
    KnownReply{530, "log-in or TLS wanted"},
    KnownReply{534, "log-in of another kind wanted"},
    KnownReply{535, "user or password not valid"},
    KnownReply{538, "log-in without TLS not allowed"},
    KnownReply{550, "mailbox not there, or refused by policy"},
    KnownReply{551, "recipient is not here"},
    KnownReply{552, "mailbox full, or message too large"},
    KnownReply{553, "address not allowed"},
    KnownReply{554, "refused by policy"},
    KnownReply{556, "recipient's domain takes no mail"},
};

// "5.1.1" behind the code, where the server has such codes (RFC 2034, RFC 3463); of its class only.
std::string_view enhanced_code(const HttpResponse &response) {
    std::string_view rest = response.body;
    if (rest.size() < 5 || rest[3] != ' ' || rest[4] != rest[0] ||
        rest.substr(0, 3) != std::to_string(response.status))
        return {};
    rest.remove_prefix(4);
    const std::string_view code = cut(rest, ' ');
    std::string_view parts = code;
    std::size_t count = 0;
    for (; !parts.empty(); count++) {
        const std::string_view part = cut(parts, '.');
        if (part.empty() || part.size() > 3 || !std::all_of(part.begin(), part.end(), is_digit))
            return {};
    }
    return count == 3 && code.back() != '.' ? code : std::string_view();
}

Outcome read(const OutboundMessage &message, const Options & /*options*/,
             const HttpResponse &response) {
    const long kind = response.status / 100;
    Outcome outcome;
    if (kind == 2) {
        outcome.verdict = Verdict::accepted;
        const std::string id = own_message_id(message);
        if (may_keep_message_id(id, {message.recipient, message.code, message.text}))
            outcome.message_id = id;
        return outcome;
    }
    outcome.verdict = kind == 4 ? Verdict::retry : kind == 5 ? Verdict::refused : Verdict::unknown;
    outcome.error = "SMTP " + std::to_string(response.status);
    if (const std::string_view code = enhanced_code(response);
        may_keep_provider_code(code, {message.recipient, message.code, message.text}))
        outcome.error.append(" ").append(code);
    const auto known =
        std::find_if(known_replies.begin(), known_replies.end(),
                     [&](const KnownReply &each) { return each.code == response.status; });
    if (known != known_replies.end()) {
        outcome.service = known->service;
        outcome.error.append(": ").append(known->meaning);
    }
    return outcome;
}

} // namespace

constinit const Provider smtp_provider{
    .name = "mfa_smtp",
    .channels = channels,
    .options = smtp_options,
    .check = check,
    .build = build,
    .read = read,
};

} // namespace mfa::core
