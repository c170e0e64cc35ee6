#include "settings.hpp"
#include "worker_loop.hpp"

namespace mfa::worker {

namespace {

constexpr milliseconds provider_pause{5000};
// A lease only matters when it outlives its worker: longer than any transfer may take.
constexpr std::int64_t lease = 120 * USECS_PER_SEC;
constexpr int claim_batch = 64;
constexpr int pass_on_batch = 1000;
constexpr milliseconds pass_on_interval{1000}; // between scans of a backlog that has nowhere to go

bool is_due(const std::vector<outbox::Waiting> &waiting, const std::string &provider) {
    return std::any_of(waiting.begin(), waiting.end(), [&](const outbox::Waiting &first) {
        return first.provider == provider && first.due_at <= GetCurrentTimestamp();
    });
}

} // namespace

int Worker::room() const {
    return settings::max_in_flight - static_cast<int>(delivery_.in_flight());
}

// True where some are on their way now.
bool Worker::claim() {
    const std::size_t in_flight = delivery_.in_flight();
    const core::ClaimPace::Look look = pace_.next(Clock::now());
    if (look == core::ClaimPace::Look::none || room() <= 0)
        return false; // an answer makes room; what was asked for is not forgotten
    pace_.begin(look, Clock::now());
    looked_at_ = GetCurrentTimestamp();
    met_lock_ = false;
    if (look == core::ClaimPace::Look::backlog)
        claim_from(std::string(pace_.backlog()));
    else
        claim_from_all();
    if (met_lock_)
        next_due_ = std::min(next_due_, GetCurrentTimestamp() + lock_pause);
    return delivery_.in_flight() > in_flight;
}

// Each provider's messages are claimed in a transaction of their own: where that fails, it is put aside
// for a while, and the others go on.
void Worker::claim_from_all() {
    delivery_.forget_turns();
    std::vector<outbox::Waiting> waiting;
    std::string done = last_provider_;
    if (!claim_from_last(&waiting)) {
        done.clear();
        work("look for due messages", Manners::yield,
             [&] { pg::call([&] { outbox::waiting(&waiting); }); });
        note_waiting(waiting);
    }
    for (const outbox::Waiting &first : waiting) {
        if (session.leaving)
            return;
        if (first.due_at > GetCurrentTimestamp() || first.provider == done)
            continue;
        if (pass_on(first.provider))
            pace_.ask(); // the provider that has them now may have had none before
        else
            claim_from(first.provider);
    }
}

// Most databases have one provider: to claim its messages and then see what else waits is one transaction
// less than to look first. False where that was not possible, or it may have more.
bool Worker::claim_from_last(std::vector<outbox::Waiting> *waiting) {
    return !last_provider_.empty() &&
           pace_.is_worthwhile(last_provider_, room_for(last_provider_),
                               delivery_.in_flight(last_provider_), Clock::now()) &&
           claim_from(last_provider_, waiting);
}

int Worker::room_for(const std::string &provider) {
    return std::min({room(), delivery_.room(provider), claim_batch});
}

// When to look again by itself: what was not due when the look began, for it may be by now. What was, and is
// not claimed, waits for an answer or for its provider's turn.
void Worker::note_waiting(const std::vector<outbox::Waiting> &waiting) {
    next_due_ = DT_NOEND;
    for (const outbox::Waiting &first : waiting)
        if (first.due_at > looked_at_)
            next_due_ = std::min(next_due_, first.due_at);
}

// What is due of one provider, as far as there is room for it. True where that was all of it: what waits then
// is in `left`, if given. Where messages of it are left, an answer, or its rate, or the end of its pause says
// when to go on.
bool Worker::claim_from(const std::string &provider, std::vector<outbox::Waiting> *left) {
    const int limit = room_for(provider);
    if (!pace_.may_claim(provider, limit, delivery_.in_flight(provider), Clock::now()))
        return false;
    int touched = 0;
    std::vector<outbox::Waiting> waiting;
    const std::size_t records = delivery_.records().size();
    pg::Report report;
    const bool failed = pg::caught(report, [&] {
        work("claim messages", Manners::yield, [&] {
            std::vector<outbox::Claimed> claimed;
            touched = pg::call([&] {
                const int count =
                    outbox::claim(provider, GetCurrentTimestamp() + lease, limit, &claimed);
                if (count < limit) // all that there was
                    outbox::waiting(&waiting);
                return count;
            });
            for (const outbox::Claimed &message : claimed)
                purging_.expect(message.expires_at);
            delivery_.prepare(claimed);
        });
    });
    if (failed) {
        delivery_.forget();
        delivery_.records().resize(records);
        delivery_.put_aside(provider, provider_pause);
        delivery_.room(provider); // notes when its pause ends
        if (!claim_failed_)
            pg::log(report, "mfa could not claim messages of a provider, and tries again");
        claim_failed_ = true;
        return false;
    }
    claim_failed_ = false;
    const bool all = touched < limit;
    const bool more = !all || is_due(waiting, provider);
    pace_.claimed(provider, touched, limit, more, Clock::now());
    if (all)
        note_waiting(waiting);
    if (touched > 0)
        last_work_ = Clock::now();
    else if (more)
        met_lock_ = true;
    if (!all)
        last_provider_.clear(); // its backlog must not come before what others have
    else if (touched > 0)
        last_provider_ = provider;
    delivery_.start();
    if (all && left)
        *left = std::move(waiting);
    return all;
}

// What waits for a provider that is put aside goes to others, if it may.
bool Worker::pass_on(const std::string &provider) {
    delivery_.room(provider); // knows it from here on
    const std::vector<std::string> put_aside = delivery_.put_aside();
    if (Clock::now() < pass_on_from_ ||
        std::find(put_aside.begin(), put_aside.end(), provider) == put_aside.end())
        return false;
    int moved = 0;
    work("pass messages on", Manners::yield, [&] {
        moved = pg::call([&] { return outbox::pass_on(provider, put_aside, pass_on_batch); });
    });
    if (moved == 0)
        pass_on_from_ = Clock::now() + pass_on_interval;
    return moved > 0;
}

} // namespace mfa::worker
