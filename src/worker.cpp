#include "worker.hpp"

#include "budgets.hpp"
#include "due_messages.hpp"
#include "shmem.hpp"
#include "worker_loop.hpp"

namespace mfa::worker {

namespace {

// How long a worker stays after its last message: less than the 5 s for which DROP DATABASE waits for
// others to leave.
constexpr milliseconds linger{2000};
// How long it waits for answers when it is told to leave.
constexpr milliseconds grace{700};
// How often it looks whether DROP DATABASE and its like wait for it, while messages are in flight.
constexpr milliseconds watch_interval{500};
constexpr std::int64_t look_lease = 90 * USECS_PER_SEC;
constexpr int max_failures = 5; // in a row, then it leaves and the launcher backs off
constexpr milliseconds failure_pause{1000};

} // namespace

bool Worker::take_wanted() {
    shmem::Slot &slot = shmem::slot(session.slot);
    SpinLockAcquire(&slot.lock);
    const bool wanted = slot.wanted;
    slot.wanted = false;
    SpinLockRelease(&slot.lock);
    return wanted;
}

bool Worker::is_wanted() const {
    shmem::Slot &slot = shmem::slot(session.slot);
    SpinLockAcquire(&slot.lock);
    const bool wanted = slot.wanted;
    SpinLockRelease(&slot.lock);
    return wanted;
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
                next_look_ = std::max(next_look_, GetCurrentTimestamp() + lock_pause);
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
    // Whoever commits signals once, and to wait for a lock takes a signal away: the flag stays.
    if (can_claim() || purging_.has_more() || is_wanted())
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

void run() { Worker().run(); }

} // namespace mfa::worker
