#include "worker.hpp"

#include <optional>

#include "budgets.hpp"
#include "core/claim_pace.hpp"
#include "delivery.hpp"
#include "due_messages.hpp"
#include "outbox.hpp"
#include "purging.hpp"
#include "settings.hpp"
#include "shmem.hpp"
#include "state_lookups.hpp"
#include "worker_session.hpp"

namespace mfa::worker {

namespace {

using std::chrono::milliseconds;

// How long a worker stays after its last message: less than the 5 s for which DROP DATABASE waits for
// others to leave.
constexpr milliseconds linger{2000};
// How long it waits for answers when it is told to leave.
constexpr milliseconds grace{700};
// How often it looks whether DROP DATABASE and its like wait for it, while messages are in flight.
constexpr milliseconds watch_interval{500};
// A lease only matters when it outlives its worker: longer than any transfer may take.
constexpr std::int64_t lease = 120 * USECS_PER_SEC;
constexpr std::int64_t look_lease = 90 * USECS_PER_SEC;
constexpr int claim_batch = 64;
// Until the next look at messages that somebody has locked: nobody tells when a lock ends.
constexpr std::int64_t lock_pause = 1 * USECS_PER_SEC;
constexpr int pass_on_batch = 1000;
constexpr milliseconds pass_on_interval{1000}; // between scans of a backlog that has nowhere to go
constexpr int max_failures = 5; // in a row, then it leaves and the launcher backs off
constexpr milliseconds failure_pause{1000};
constexpr milliseconds provider_pause{5000};

bool is_due(const std::vector<outbox::Waiting> &waiting, const std::string &provider) {
    return std::any_of(waiting.begin(), waiting.end(), [&](const outbox::Waiting &first) {
        return first.provider == provider && first.due_at <= GetCurrentTimestamp();
    });
}

// The worker's state between turns.
class Worker {
  public:
    void run();

  private:
    using Clock = std::chrono::steady_clock;

    bool take_wanted();
    int room() const;
    bool claim();
    bool claim_from(const std::string &provider, std::vector<outbox::Waiting> *left = nullptr);
    void claim_from_all();
    bool claim_from_last(std::vector<outbox::Waiting> *waiting);
    int room_for(const std::string &provider);
    void note_waiting(const std::vector<outbox::Waiting> &waiting);
    bool record_is_due() const;
    bool pass_on(const std::string &provider);
    bool look_is_due() const { return until(next_look_) <= milliseconds(0); }
    void look_up();
    void transfer();
    bool can_claim() const {
        return pace_.next(Clock::now()) != core::ClaimPace::Look::none && room() > 0;
    }
    void record();
    void turn();
    void leave();
    bool idle_for_long() const;
    milliseconds next_wait() const;

    Wire wire_;
    Delivery delivery_{wire_};
    StateLookups lookups_{wire_};
    Waiter waiter_{wire_.transport.poll_fd()};
    std::vector<core::Completion> ended_;
    core::ClaimPace pace_;
    std::string last_provider_;        // all of whose messages were claimed last; '' for none
    TimestampTz looked_at_ = 0;        // when the last claims began
    bool met_lock_ = false;            // by them: something due is locked by somebody
    Clock::time_point answered_at_{};  // the first answer that is not recorded yet
    TimestampTz next_look_ = 0;        // long ago: at once
    Clock::time_point pass_on_from_{}; // not before
    TimestampTz next_due_ = DT_NOEND;
    Purging purging_;
    bool claim_failed_ = false; // said in the log, until a claim succeeds
    Clock::time_point last_work_ = Clock::now();
    Clock::time_point last_watch_ = Clock::now();
    int failures_ = 0;
};

bool Worker::take_wanted() {
    shmem::Slot &slot = shmem::slot(session.slot);
    SpinLockAcquire(&slot.lock);
    const bool wanted = slot.wanted;
    slot.wanted = false;
    SpinLockRelease(&slot.lock);
    return wanted;
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

// Where some are due: claims them, and sends the requests off.
void Worker::look_up() {
    const std::size_t founds = lookups_.found().size();
    pg::Report report;
    const bool failed = pg::caught(report, [&] {
        work("look up delivery states", Manners::yield, [&] {
            std::vector<lookups::Claimed> claimed;
            pg::call([&] {
                lookups::claim(GetCurrentTimestamp() + look_lease,
                               static_cast<int>(lookups_.room()), &claimed);
                next_look_ = lookups::next_due();
            });
            if (claimed.empty()) // what is due is locked by somebody
                next_look_ = std::max(next_look_, GetCurrentTimestamp() + USECS_PER_SEC);
            lookups_.prepare(std::move(claimed), delivery_.put_aside());
        });
    });
    if (failed) {
        lookups_.forget();
        lookups_.found().resize(founds);
        next_look_ = GetCurrentTimestamp() + look_lease;
        pg::log(report, "mfa could not look up delivery states, and tries again");
        return;
    }
    lookups_.start();
}

// Moves the requests in flight on, without waiting.
void Worker::transfer() {
    if (!delivery_.has_records() && !lookups_.has_found())
        answered_at_ = Clock::now();
    wire_.transport.turn(ended_);
    // Each is taken off before it is looked at: a failure in the middle must not show one twice.
    while (!ended_.empty()) {
        const core::Completion completion = std::move(ended_.back());
        ended_.pop_back();
        if (!delivery_.take(completion))
            lookups_.take(completion);
        pace_.make_room();
    }
}

int Worker::room() const {
    return settings::max_in_flight - static_cast<int>(delivery_.in_flight());
}

bool Worker::record_is_due() const {
    return core::ClaimPace::may_record(delivery_.records().size() + lookups_.found().size(),
                                       answered_at_, Clock::now());
}

void Worker::record() {
    work("record outcomes", Manners::yield, [&] {
        pg::call([&] {
            outbox::record(delivery_.records());
            lookups::record(lookups_.found());
        });
    });
    if (session.leaving)
        return;
    pg::call([&] { outbox::count(delivery_.records()); });
    for (const outbox::Record &entry : delivery_.records())
        if (std::strcmp(entry.state, "sent") == 0)
            next_look_ = std::min(next_look_, entry.due_at);
        else
            pace_.ask(); // for its next try, or the fallback behind it
    for (const lookups::Found &entry : lookups_.found()) {
        next_look_ = std::min(next_look_, entry.due_at);
        pace_.ask(); // for a fallback
    }
    delivery_.records().clear();
    lookups_.found().clear();
    last_work_ = Clock::now();
}

// One look at everything that may be due. Each part is a short transaction or none at all.
void Worker::turn() {
    if (take_wanted())
        pace_.ask();
    if (until(next_due_) <= milliseconds(0)) {
        next_due_ = DT_NOEND; // until the next look
        pace_.ask();
    }
    if (delivery_.next_turn() <= Clock::now()) {
        delivery_.forget_turns();
        pace_.ask();
    }
    const bool has_started = claim();
    transfer();
    if (!session.leaving && record_is_due())
        record();
    // What was started just now waits for nothing but the network.
    if (!session.leaving && !has_started && !can_claim() && look_is_due() && lookups_.room() > 0)
        look_up();
    if (!session.leaving && !has_started && purging_.is_due(can_claim()))
        purging_.run();
    if (!session.leaving && delivery_.in_flight() + lookups_.in_flight() > 0 &&
        Clock::now() - last_watch_ >= watch_interval) {
        last_watch_ = Clock::now();
        work("watch for others", Manners::yield, [] {});
    }
}

bool Worker::idle_for_long() const {
    return pace_.next_at() == Clock::time_point::max() && !purging_.has_more() &&
           delivery_.in_flight() == 0 && !delivery_.has_records() && lookups_.in_flight() == 0 &&
           !lookups_.has_found() && delivery_.next_turn() > Clock::now() + linger &&
           Clock::now() - last_work_ >= linger;
}

milliseconds Worker::next_wait() const {
    if (can_claim() || purging_.has_more())
        return milliseconds(0);
    milliseconds wait = milliseconds::max();
    if (delivery_.in_flight() + lookups_.in_flight() > 0)
        wait = watch_interval;
    else if (const auto left = last_work_ + linger - Clock::now(); left > Clock::duration::zero())
        wait = std::chrono::ceil<milliseconds>(left);

    if (const milliseconds network = wire_.transport.timeout(); network.count() >= 0)
        wait = std::min(wait, network);
    if (lookups_.room() > 0)
        wait = std::min(wait, until(next_look_));
    wait = std::min(wait, until(purging_.next()));
    const auto until_then = [](Clock::time_point then) {
        return then == Clock::time_point::max()
                   ? milliseconds::max()
                   : std::max(std::chrono::ceil<milliseconds>(then - Clock::now()),
                              milliseconds(0));
    };
    if (delivery_.has_records() || lookups_.has_found())
        wait = std::min(wait, until_then(answered_at_ + core::ClaimPace::longest_hold));
    if (room() <= 0)
        return wait; // what is due has to wait for an answer
    wait = std::min({wait, until_then(pace_.next_at()), until_then(delivery_.next_turn())});
    return std::min(wait, until(next_due_));
}

// Gives the provider a moment to answer, writes back what is known, and tells the launcher when to look
// again.
void Worker::leave() {
    const Clock::time_point deadline = Clock::now() + grace;
    while (delivery_.in_flight() > 0 && Clock::now() < deadline) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
        const milliseconds network = wire_.transport.timeout();
        waiter_.wait(network.count() >= 0 ? std::min(left, network) : left);
        transfer();
    }
    delivery_.abandon();
    bool has_prepared = false;
    std::vector<outbox::Waiting> waiting;
    if (session.has_extension) {
        work("record outcomes", Manners::last_words, [&] {
            pg::call([&] {
                outbox::record(delivery_.records());
                lookups::record(lookups_.found());
                budgets::announce(budgets::Occasion::leaving);
                outbox::waiting(&waiting);
                next_look_ = lookups::next_due();
                outbox::count(delivery_.records());
                has_prepared = outbox::has_prepared_transactions();
            });
        });
    }

    next_due_ = DT_NOEND;
    for (const outbox::Waiting &first : waiting)
        next_due_ = std::min(next_due_, std::max(first.due_at, delivery_.turn_of(first.provider)));

    shmem::Slot &slot = shmem::slot(session.slot);
    SpinLockAcquire(&slot.lock);
    slot.due =
        session.has_extension ? std::min({next_due_, purging_.next(), next_look_}) : DT_NOEND;
    slot.prepared_step = has_prepared ? std::clamp(slot.prepared_step * 2, 1, 60) : 0;
    if (has_prepared)
        slot.due = std::min(slot.due, GetCurrentTimestamp() + slot.prepared_step * USECS_PER_SEC);
    slot.has_extension = session.has_extension;
    slot.ended_well = true;
    SpinLockRelease(&slot.lock);
}

void Worker::run() {
    MemoryContext const context = pg::call([] {
        return AllocSetContextCreate(TopMemoryContext, "mfa worker", ALLOCSET_DEFAULT_SIZES);
    });
    MemoryContextSwitchTo(context);
    take_wanted(); // before the first look: what is committed from here on asks again
    work("take over leases", Manners::yield, [] { pg::call([] { store::take_over_leases(); }); });
    while (!session.leaving && !ShutdownRequestPending) {
        pg::Report report;
        if (pg::caught(report, [&] { turn(); })) {
            // An outcome that can't be written down now (somebody has locked the table) is kept: to
            // forget it would send the message again.
            if (++failures_ >= max_failures && !delivery_.has_records() &&
                delivery_.in_flight() == 0)
                pg::throw_report(report);
            if (failures_ == 1)
                pg::log(report, "mfa delivery worker failed, and tries again");
            last_work_ = Clock::now();
            pace_.ask();
            waiter_.wait(failure_pause);
        } else {
            failures_ = 0;
            // A commit may have come since the last look: whoever commits sees either the worker or its
            // absence, and the flag decides.
            if (idle_for_long()) {
                if (!take_wanted())
                    break;
                pace_.ask();
            }
            waiter_.wait(next_wait());
        }
        MemoryContextReset(context);
    }
    leave();
}

} // namespace

void run() { Worker().run(); }

} // namespace mfa::worker
