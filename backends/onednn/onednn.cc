#include "tandem/backends/onednn/onednn.h"

#include <time.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tandem/backends/onednn/builder.h"
#include "tandem/backends/onednn/lowerings.h"
#include "tandem/backends/onednn/thread_choice.h"
#include "tandem/backends/shape_values.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::onednn {
namespace {

// Nodes that a search for something heavy looks at.
constexpr size_t kMaxSearched = 64;

bool IsTensorType(const Type& type) {
  if (type.is(TypeKind::kTensor)) return true;
  return (type.is(TypeKind::kOptional) || type.is(TypeKind::kList)) &&
         IsTensorType(*type.element());
}

// CPU time of the calling thread, in seconds.
double ThreadSeconds() {
  timespec t;
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) != 0) return 0;
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// A group for a team of threads, and for one thread where that is faster: in
// primitives of its own, since those of a team count on its members.
class TeamExecutable : public GroupExecutable {
 public:
  // `compile_alone` is asked at most once, when it is first wanted; what it
  // needs lives as long as the executable.
  TeamExecutable(
      std::unique_ptr<Program> team,
      std::function<absl::StatusOr<std::unique_ptr<Program>>()> compile_alone)
      : team_(std::move(team)), compile_alone_(std::move(compile_alone)) {}

  absl::Status Run(const KernelCall& call) const override {
    ThreadChoice::Way way = choice_.Next();
    const Program* program = way == ThreadChoice::kAlone ? Alone() : nullptr;
    if (program == nullptr) {
      way = ThreadChoice::kTeam;
      program = team_.get();
    }
    const absl::Time start = absl::Now();
    const double cpu = ThreadSeconds();
    const absl::Status status = program->Run(call);
    if (status.ok()) {
      choice_.Add(way, absl::ToDoubleSeconds(absl::Now() - start),
                  ThreadSeconds() - cpu);
    }
    return status;
  }
  std::string ToString() const override { return team_->ToString(); }

 private:
  // Null if oneDNN does not give it.
  const Program* Alone() const {
    absl::MutexLock lock(&mutex_);
    if (compile_alone_ != nullptr) {
      if (auto program = compile_alone_(); program.ok()) {
        alone_ = *std::move(program);
      }
      compile_alone_ = nullptr;
    }
    return alone_.get();
  }

  const std::unique_ptr<Program> team_;
  mutable ThreadChoice choice_;
  mutable absl::Mutex mutex_;
  mutable std::function<absl::StatusOr<std::unique_ptr<Program>>()>
      compile_alone_ ABSL_GUARDED_BY(mutex_);
  mutable std::unique_ptr<Program> alone_ ABSL_GUARDED_BY(mutex_);
};

class Backend : public GroupBackend,
                public std::enable_shared_from_this<Backend> {
 public:
  explicit Backend(const Options& options) : options_(options) {
    for (const absl::Span<const Lowering> family :
         {ConvLowerings(), MatMulLowerings(), PoolLowerings(),
          PointwiseLowerings(), NormLowerings(), ReduceLowerings(),
          ShapeLowerings(), RnnLowerings()}) {
      for (const Lowering& l : family) {
        const std::string op = l.op;
        const size_t dot = op.find('.');
        const Operator* row = OperatorTable::Builtin().Find(
            op.substr(0, dot),
            dot == std::string::npos ? "" : op.substr(dot + 1));
        if (row == nullptr) {
          unknown_.push_back(op);
        } else {
          lowerings_[row] = &l;
        }
      }
    }
    if (options_.preload) {
      // The environment is changed by this thread, not beside it.
      spins_.emplace();
      opener_ =
          std::thread([this] { preloaded_ = Library::Load(options_.library); });
    }
  }
  ~Backend() override {
    if (opener_.joinable()) opener_.join();
  }

  // Operators of the tables that have no row.
  const std::vector<std::string>& unknown() const { return unknown_; }

  absl::string_view name() const override { return "onednn"; }

  Support Supports(const Node& node) const override {
    std::string reason = RefusalOf(node);
    if (!reason.empty()) return Support::No(std::move(reason));
    const Weight weight = Find(node)->weight;
    if (weight == Weight::kHeavy) return Support::Yes(true);
    if (weight == Weight::kFollower && !FollowsHeavy(node)) {
      return Support::No("nothing before it is worth a group");
    }
    return Support::Yes(false);
  }

  absl::StatusOr<std::unique_ptr<GroupExecutable>> Compile(
      const Graph& group, absl::Span<const ValueDescription> inputs,
      PackedWeights* weights) const override {
    const TaskRunner* tasks = CurrentContext().tasks;
    const int threads = tasks == nullptr ? 1 : std::max(1, tasks->threads());
    TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<Program> program,
                            CompileFor(threads, group, inputs, weights));
    const bool is_team = std::any_of(
        program->steps().begin(), program->steps().end(), [](const Step& step) {
          return step.primitive != nullptr && step.threads > 1;
        });
    if (!is_team) return program;
    return std::make_unique<TeamExecutable>(
        std::move(program),
        [self = shared_from_this(),
         graph = std::shared_ptr<const Graph>(group.Clone()),
         inputs = std::vector<ValueDescription>(inputs.begin(), inputs.end()),
         weights] { return self->CompileFor(1, *graph, inputs, weights); });
  }

 private:
  const Lowering* Find(const Node& node) const {
    const auto it = lowerings_.find(node.op());
    return it == lowerings_.end() ? nullptr : it->second;
  }

  absl::StatusOr<std::unique_ptr<Program>> CompileFor(
      int threads, const Graph& group,
      absl::Span<const ValueDescription> inputs, PackedWeights* weights) const {
    TANDEM_ASSIGN_OR_RETURN(const std::shared_ptr<const Library> library,
                            LoadLibrary());
    const Descriptors descriptors(library);
    // Packed weights outlive the call and its budget; the weights themselves
    // bound them.
    CallContext context = CurrentContext();
    context.memory = nullptr;
    const ScopedContext own(context);
    // Primitives are made for the number of threads that run them.
    const Library::ScopedThreads scope(*library, threads);
    const std::unique_ptr<Graph> graph = group.Clone();
    Builder builder(descriptors, options_, *graph, inputs, weights);
    TANDEM_ASSIGN_OR_RETURN(ProgramParts parts,
                            builder.Build(
                                [this](const Node& node) -> Builder::Lower {
                                  const Lowering* l = Find(node);
                                  return l == nullptr ? nullptr : l->lower;
                                },
                                threads));
    return Program::Make(std::move(parts));
  }

  // Why no primitive computes the node; empty if one does.
  std::string RefusalOf(const Node& node) const {
    const Lowering* l = Find(node);
    if (l == nullptr) return "no primitive";
    const std::vector<Argument>& arguments = node.op()->schema.arguments;
    if (arguments.size() != node.inputs().size()) return "its arguments";
    for (size_t i = 0; i < arguments.size(); ++i) {
      const Value* v = node.input(i);
      if (IsTensorType(*arguments[i].type)) {
        if (arguments[i].type->is(TypeKind::kList) &&
            !v->node()->is(NodeKind::kListConstruct) &&
            !ConstantOf(v).has_value()) {
          return "a list of tensors that is not written out";
        }
        if (std::string reason = RefusalOfTensor(*v); !reason.empty()) {
          return reason;
        }
      } else if (!ConstantArgument(v).has_value() &&
                 !(l->takes_sizes && IsShapeValue(v))) {
        return absl::StrCat(arguments[i].name, " is not constant");
      }
    }
    return l->refuse == nullptr ? "" : l->refuse(node);
  }

  // By what is known of its type before shapes are.
  static std::string RefusalOfTensor(const Value& v) {
    const std::optional<DType> dtype =
        v.type()->is(TypeKind::kTensor)
            ? static_cast<const TensorType&>(*v.type()).details().dtype
            : std::nullopt;
    // A double may be a number in a tensor of no dims.
    if (dtype.has_value() && *dtype != DType::kFloat &&
        *dtype != DType::kBFloat16 && *dtype != DType::kDouble) {
      return absl::StrCat("dtype ", TypeName(*dtype));
    }
    return "";
  }

  bool FollowsHeavy(const Node& node) const {
    absl::flat_hash_set<const Node*> seen;
    std::vector<const Node*> todo = {&node};
    while (!todo.empty() && seen.size() < kMaxSearched) {
      const Node* n = todo.back();
      todo.pop_back();
      if (!seen.insert(n).second) continue;
      for (const Value* v : n->inputs()) {
        const Node* producer = v->node();
        if (producer->owning_block() != node.owning_block()) continue;
        if (producer->is(NodeKind::kListConstruct) || IsShapeNode(*producer)) {
          todo.push_back(producer);
          continue;
        }
        if (producer->op() == nullptr || !RefusalOf(*producer).empty()) {
          continue;
        }
        if (Find(*producer)->weight == Weight::kHeavy) return true;
        todo.push_back(producer);
      }
    }
    return false;
  }

  absl::StatusOr<std::shared_ptr<const Library>> LoadLibrary() const {
    absl::MutexLock lock(&mutex_);
    if (!tried_) {
      tried_ = true;
      absl::StatusOr<std::shared_ptr<const Library>> library = Open();
      if (library.ok()) {
        library_ = *std::move(library);
      } else {
        // Said once, by the group that asked first.
        failure_ = library.status();
        return failure_;
      }
    }
    if (library_ == nullptr) return Refuse(failure_.message());
    return library_;
  }

  absl::StatusOr<std::shared_ptr<const Library>> Open() const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!opener_.joinable()) return Library::Load(options_.library);
    opener_.join();
    spins_.reset();
    return std::move(preloaded_);
  }

  const Options options_;
  absl::flat_hash_map<const Operator*, const Lowering*> lowerings_;
  std::vector<std::string> unknown_;
  mutable absl::Mutex mutex_;
  mutable std::optional<ScopedSpinCount> spins_;
  mutable std::thread opener_;
  // The opener's alone until it is joined.
  mutable absl::StatusOr<std::shared_ptr<const Library>> preloaded_ =
      absl::UnknownError("not opened");
  mutable bool tried_ ABSL_GUARDED_BY(mutex_) = false;
  mutable std::shared_ptr<const Library> library_ ABSL_GUARDED_BY(mutex_);
  mutable absl::Status failure_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::shared_ptr<const GroupBackend> MakeBackend(const Options& options) {
  return std::make_shared<Backend>(options);
}

absl::Status Register(Registry& registry, const Options& options) {
  auto backend = std::make_shared<Backend>(options);
  if (!backend->unknown().empty()) {
    return absl::InternalError(
        absl::StrCat("onednn: no row for ", backend->unknown()[0]));
  }
  return registry.AddGroupBackend(std::move(backend));
}

absl::Status Register(Registry& registry) {
  return Register(registry, Options());
}

}  // namespace tandem::onednn
