#include "tandem/backends/onednn/thread_choice.h"

#include "gtest/gtest.h"

namespace tandem::onednn {
namespace {

// A machine on which a run takes these times.
struct Machine {
  double team, team_cpu, alone;
};

struct Outcome {
  double time = 0;
  int alone = 0;
};

Outcome Simulate(ThreadChoice& choice, const Machine& machine, int runs) {
  Outcome o;
  for (int i = 0; i < runs; ++i) {
    const ThreadChoice::Way way = choice.Next();
    const bool alone = way == ThreadChoice::kAlone;
    o.alone += alone;
    o.time += alone ? machine.alone : machine.team;
    choice.Add(way, alone ? machine.alone : machine.team,
               alone ? machine.alone : machine.team_cpu);
  }
  return o;
}

constexpr Machine kIdle = {1.0, 0.97, 1.8};
constexpr Machine kBusy = {4.3, 1.6, 2.0};

TEST(ThreadChoiceTest, ATeamWithCoresOfItsOwnIsNeverDoubted) {
  ThreadChoice choice;
  EXPECT_EQ(Simulate(choice, kIdle, 10000).alone, 0);
}

TEST(ThreadChoiceTest, WhereATeamWaitsOneThreadRuns) {
  ThreadChoice choice;
  Simulate(choice, kBusy, 50);
  const Outcome o = Simulate(choice, kBusy, 1000);
  EXPECT_GT(o.alone, 960);
  EXPECT_LT(o.time, 1.05 * 1000 * kBusy.alone);
}

TEST(ThreadChoiceTest, ATeamThatWaitsAndIsFasterStays) {
  ThreadChoice choice;
  const Machine machine = {1.3, 0.9, 1.8};
  Simulate(choice, machine, 50);
  const Outcome o = Simulate(choice, machine, 1000);
  EXPECT_LT(o.alone, 40);
  EXPECT_LT(o.time, 1.02 * 1000 * machine.team);
}

TEST(ThreadChoiceTest, FollowsTheMachine) {
  ThreadChoice choice;
  for (int day = 0; day < 3; ++day) {
    Simulate(choice, kIdle, 1000);
    Simulate(choice, kBusy, 700);
    EXPECT_GT(Simulate(choice, kBusy, 100).alone, 90) << day;
    Simulate(choice, kIdle, 600);
    EXPECT_LT(Simulate(choice, kIdle, 100).alone, 10) << day;
  }
}

TEST(ThreadChoiceTest, ASlowRunDecidesNothing) {
  ThreadChoice choice;
  Simulate(choice, kIdle, 100);
  // The caller itself was not scheduled for a while.
  Simulate(choice, {30, 1, 30}, 1);
  EXPECT_LT(Simulate(choice, kIdle, 1000).alone, 10);
}

}  // namespace
}  // namespace tandem::onednn
