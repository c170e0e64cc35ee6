// What each provider reports of a message's price: in its answer to the message, and to a look-up.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/providers/providers.hpp"
#include "core_helpers.hpp"
#include "provider_helpers.hpp"

namespace mfa::core {
namespace {

using test::call_message;
using test::error_of;
using test::text_message;

using Price = std::optional<Money>;

Outcome read(const Provider &provider, Channel channel, std::string body, long status = 200) {
    const OutboundMessage message = channel == Channel::voice ? call_message() : text_message();
    return provider.read(message, {}, {status, std::move(body), {}});
}

Receipt look(const Provider &provider, Channel channel, std::string body, long status = 200) {
    return provider.read_lookup(channel, {status, std::move(body), {}}, {});
}

Price answered(const Provider &provider, std::string body, Channel channel = Channel::sms) {
    const Outcome outcome = read(provider, channel, std::move(body));
    EXPECT_EQ(outcome.verdict, Verdict::accepted);
    return outcome.price;
}

Price looked_up(const Provider &provider, std::string body, Channel channel = Channel::sms) {
    return look(provider, channel, std::move(body)).price;
}

const Price none;

TEST(ReportedPrice, Twilio) {
    EXPECT_EQ(answered(twilio_provider, R"({"sid":"SM1","price":null,"price_unit":"USD"})"), none);
    EXPECT_EQ(answered(twilio_provider, R"({"sid":"SM1","price":"-0.00750","price_unit":"usd"})"),
              (Money{7'500, "USD"}));
    for (const Channel channel : {Channel::sms, Channel::voice}) {
        EXPECT_EQ(looked_up(twilio_provider,
                            R"({"status":"delivered","price":"-0.00750","price_unit":"USD"})",
                            channel),
                  (Money{7'500, "USD"}));
        EXPECT_EQ(looked_up(twilio_provider,
                            R"({"status":"delivered","price":null,"price_unit":"USD"})", channel),
                  none);
    }
}

TEST(ReportedPrice, SignalWire) {
    EXPECT_EQ(answered(signalwire_provider, R"({"sid":"a","price":0.005,"price_unit":"USD"})"),
              (Money{5'000, "USD"}));
    EXPECT_EQ(answered(signalwire_provider, R"({"id":"a","price":0.005,"price_unit":"USD"})",
                       Channel::voice),
              none);
    EXPECT_EQ(
        looked_up(signalwire_provider, R"({"status":"sent","price":-0.00585,"price_unit":"USD"})"),
        (Money{5'850, "USD"}));
    EXPECT_EQ(looked_up(signalwire_provider,
                        R"({"status":"completed","price":3.0e-03,"price_unit":"USD"})",
                        Channel::voice),
              (Money{3'000, "USD"}));
}

TEST(ReportedPrice, VonageDoesNotSayItsCurrency) {
    EXPECT_EQ(answered(vonage_provider,
                       R"({"message-count":"1","messages":[{"status":"0","message-id":"0A",)"
                       R"("remaining-balance":"3.14159265","message-price":"0.03330000"}]})"),
              (Money{33'300, ""}));
    EXPECT_EQ(looked_up(vonage_provider, R"({"status":"completed","price":"0.0234","rate":"0.39"})",
                        Channel::voice),
              (Money{23'400, ""}));
    Options options;
    options.set("api", "messages");
    EXPECT_EQ(vonage_provider
                  .read(text_message(), options,
                        {202, R"({"message_uuid":"a","message-price":"1","price":"1"})", {}})
                  .price,
              none);
}

TEST(ReportedPrice, Telnyx) {
    EXPECT_EQ(answered(telnyx_provider, R"({"data":{"id":"a","cost":null,"to":[{}]}})"), none);
    EXPECT_EQ(answered(telnyx_provider,
                       R"({"data":{"id":"a","cost":{"amount":"0.0051","currency":"USD"}}})"),
              (Money{5'100, "USD"}));
    EXPECT_EQ(looked_up(telnyx_provider, R"({"data":{"to":[{"status":"delivered"}],)"
                                         R"("cost":{"amount":0.0051,"currency":"USD"},)"
                                         R"("cost_breakdown":{"rate":{"amount":"9"}}}})"),
              (Money{5'100, "USD"}));
    EXPECT_EQ(looked_up(telnyx_provider,
                        R"({"status":"completed","data":{"cost":{"amount":1,"currency":"USD"}}})",
                        Channel::voice),
              none);
}

TEST(ReportedPrice, PlivoDoesNotSayItsCurrency) {
    EXPECT_EQ(answered(plivo_provider, R"({"message_uuid":["a"],"api_id":"x"})"), none);
    EXPECT_EQ(looked_up(plivo_provider, R"({"message_state":"sent","total_amount":"0.00250",)"
                                        R"("total_rate":"0.00125","units":2})"),
              (Money{2'500, ""}));
}

TEST(ReportedPrice, InfobipTellsThatOfAPart) {
    const auto log = [](const std::string &more) {
        return R"({"results":[{"status":{"groupName":"DELIVERED"},)" + more + "}]}";
    };
    const std::string price = R"("price":{"pricePerMessage":0.01,"currency":"EUR"})";
    EXPECT_EQ(looked_up(infobip_provider, log(R"("messageCount":1,)" + price)),
              (Money{10'000, "EUR"}));
    EXPECT_EQ(looked_up(infobip_provider, log(R"("messageCount":2,)" + price)),
              (Money{20'000, "EUR"}));
    for (const std::string count : {"0", "-1", "1.5", "100000000000000000000", "null", "\"x\""})
        EXPECT_EQ(looked_up(infobip_provider, log(R"("messageCount":)" + count + "," + price)),
                  none)
            << count;
    EXPECT_EQ(looked_up(infobip_provider, log(R"("messageCount":1,)" + price), Channel::voice),
              none);
}

TEST(ReportedPrice, MessageBird) {
    const std::string price = R"("price":{"amount":0.076,"currency":"EUR"})";
    const std::string sent = R"({"id":"a","recipients":{"totalSentCount":1,"items":[{"status":)"
                             R"("sent",)" +
                             price + "}]}}";
    EXPECT_EQ(answered(messagebird_provider, sent), (Money{76'000, "EUR"}));
    EXPECT_EQ(looked_up(messagebird_provider, sent), (Money{76'000, "EUR"}));
    EXPECT_EQ(answered(messagebird_provider, sent, Channel::voice), none);
    EXPECT_EQ(looked_up(messagebird_provider, sent, Channel::voice), none);
}

TEST(ReportedPrice, SinchTellsThatOfACallThatIsOver) {
    const std::string rest = R"("result":"ANSWERED","userRate":{"currencyId":"EUR","amount":9},)"
                             R"("debit":{"currencyId":"EUR","amount":0.5274}})";
    EXPECT_EQ(looked_up(sinch_provider, R"({"status":"FINAL",)" + rest, Channel::voice),
              (Money{527'400, "EUR"}));
    EXPECT_EQ(looked_up(sinch_provider, R"({"status":"ONGOING",)" + rest, Channel::voice), none);
    EXPECT_EQ(looked_up(sinch_provider, R"({"status":"FINAL",)" + rest), none);
}

TEST(ReportedPrice, OfNothingIsNotFoundYetBeforeTheEnd) {
    const auto with_state = [](const std::string &state) {
        return R"({"sid":"a","status":")" + state + R"(","price":"0.00","price_unit":"USD"})";
    };
    EXPECT_EQ(answered(twilio_provider, with_state("queued")), none);
    EXPECT_EQ(looked_up(twilio_provider, with_state("sent")), none);
    EXPECT_EQ(looked_up(twilio_provider, with_state("undelivered")), (Money{0, "USD"}));
    EXPECT_EQ(looked_up(twilio_provider, with_state("delivered")), (Money{0, "USD"}));
}

TEST(ReportedPrice, ThatIsNoneChangesNothingElse) {
    for (const std::string price :
         {"\"NaN\"", "\"\"", "1e7", "true", "[1]", "{}", "\"0.0075 USD\"", "null"}) {
        const Outcome outcome =
            read(twilio_provider, Channel::sms,
                 R"({"sid":"SM1","status":"queued","price_unit":"USD","price":)" + price + "}");
        EXPECT_EQ(outcome.verdict, Verdict::accepted) << price;
        EXPECT_EQ(outcome.message_id, "SM1");
        EXPECT_EQ(outcome.price, none) << price;
        const Receipt receipt =
            look(twilio_provider, Channel::sms,
                 R"({"status":"delivered","price_unit":"USD","price":)" + price + "}");
        EXPECT_EQ(receipt.state, DeliveryState::delivered);
        EXPECT_EQ(receipt.price, none) << price;
    }
    for (const std::string unit : {"\"$\"", "\"cents\"", "\"US\""})
        EXPECT_EQ(looked_up(twilio_provider,
                            R"({"status":"delivered","price":"1","price_unit":)" + unit + "}"),
                  none)
            << unit;
}

TEST(ReportedPrice, DoesNotRepeatTheCode) {
    for (const std::string amount : {"482913", "-482913", "0.482913", "482913.00"}) {
        const std::string body =
            R"({"sid":"SM1","status":"delivered","price":")" + amount + R"(","price_unit":"USD"})";
        EXPECT_EQ(answered(twilio_provider, body), none) << amount;
        EXPECT_EQ(
            twilio_provider
                .read_lookup(Channel::sms, {200, body, {}}, {"+14155550123", "482913", "text"})
                .price,
            none);
    }
    EXPECT_EQ(answered(twilio_provider, R"({"sid":"a","price":"0.48291","price_unit":"USD"})"),
              (Money{482'910, "USD"}));
}

TEST(ReportedPrice, IsThatOfASuccess) {
    const std::string priced =
        R"({"sid":"SM1","status":"delivered","price":"-1","price_unit":"USD"})";
    for (const long status : {302L, 400L, 404L, 429L, 500L}) {
        EXPECT_EQ(read(twilio_provider, Channel::sms, priced, status).price, none) << status;
        EXPECT_EQ(look(twilio_provider, Channel::sms, priced, status).price, none) << status;
    }
    // Without an id, it is not the provider's answer; nor does a message that has failed cost a try.
    EXPECT_EQ(read(twilio_provider, Channel::sms, R"({"price":"-1","price_unit":"USD"})").price,
              none);
    EXPECT_EQ(read(twilio_provider, Channel::sms,
                   R"({"sid":"a","status":"failed","price":"-1","price_unit":"USD"})")
                  .price,
              none);
}

TEST(ReportedPrice, CountsInOneCurrency) {
    Options options;
    EXPECT_EQ(priced_in("USD", Money{5, "USD"}, options), (Money{5, "USD"}));
    EXPECT_EQ(priced_in("USD", Money{5, "EUR"}, options), none);
    EXPECT_EQ(priced_in("USD", Money{5, ""}, options), none);
    EXPECT_EQ(priced_in("USD", none, options), none);
    options.set("currency", "EUR");
    EXPECT_EQ(priced_in("EUR", Money{5, ""}, options), (Money{5, "EUR"}));
    EXPECT_EQ(priced_in("USD", Money{5, ""}, options), none);
    EXPECT_EQ(priced_in("USD", Money{5, "USD"}, options), (Money{5, "USD"}));
}

TEST(ReportedPrice, TheOptionIsOfThoseThatDoNotSayTheirCurrency) {
    for (const Provider *provider : {&vonage_provider, &plivo_provider}) {
        check_option(*provider, OptionPlace::server, "currency", "EUR");
        for (const std::string_view value : {"", "eur", "EURO", "E1R", "€"})
            EXPECT_STREQ(error_of([&] {
                             check_option(*provider, OptionPlace::server, "currency", value);
                         }).sqlstate(),
                         "HV024")
                << value;
    }
    EXPECT_STREQ(error_of([] {
                     check_option(twilio_provider, OptionPlace::server, "currency", "USD");
                 }).sqlstate(),
                 "HV00D");
}

} // namespace
} // namespace mfa::core
