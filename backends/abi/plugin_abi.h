/* The C interface between tandem and plugins in shared objects. Version 1.
 *
 * A plugin exports one function,
 *
 *   const TandemPlugin* tandem_plugin(void);
 *
 * and registers operators, kernels, passes and a group backend when its init()
 * is called. The same TandemPlugin can be linked in and given to
 * PluginHost::Link(). No C++ type crosses; structs begin with their size and
 * only grow at the end, so a field past a struct's size is not there. Within an
 * ABI version nothing is changed or taken away.
 *
 * Functions that can fail return 0 when they worked and fill *error otherwise.
 * Handles are valid during the callback that got them, tensors that a function
 * says are owned until they are released or given away. Callbacks may come from
 * several threads at once. backends/abi/plugin.h is the same for C++. */
#ifndef TANDEM_BACKENDS_ABI_PLUGIN_ABI_H_
#define TANDEM_BACKENDS_ABI_PLUGIN_ABI_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TANDEM_ABI_VERSION 1
#define TANDEM_PLUGIN_SYMBOL "tandem_plugin"

typedef struct TandemRegistry TandemRegistry; /* what init() registers with */
typedef struct TandemTensor TandemTensor;
typedef struct TandemValue TandemValue; /* a boxed value, to be read */
typedef struct TandemCall TandemCall;   /* a running kernel or group */
typedef struct TandemNode TandemNode;
typedef struct TandemGroup TandemGroup; /* nodes that are compiled together */
typedef struct TandemText TandemText;   /* what a pass writes */

typedef struct TandemError {
  size_t size;
  int32_t code; /* of absl::StatusCode; 12, unimplemented, declines a call */
  char message[1000];
} TandemError;

enum {
  TANDEM_NONE = 0,
  TANDEM_TENSOR = 1,
  TANDEM_INT = 2,
  TANDEM_DOUBLE = 3,
  TANDEM_BOOL = 4,
  TANDEM_STRING = 5,
  TANDEM_LIST = 6,
  TANDEM_OTHER = 7
};

typedef struct TandemTensorInfo {
  size_t size;
  void* data; /* the first element; null without elements or on a device that
                 the host cannot read */
  const int64_t* sizes;
  const int64_t* strides; /* in elements */
  int64_t numel;
  int32_t dim;
  int32_t dtype;       /* PyTorch's ScalarType: 6 is float32, 4 is int64 */
  int32_t device_type; /* 0: CPU, 1: CUDA */
  int32_t device_index;
} TandemTensorInfo;

typedef struct TandemKernel {
  size_t size;
  void* state;
  /* Reads the inputs, sets the outputs. Arguments were checked against the
   * operator's schema. */
  int32_t (*call)(void* state, TandemCall* call, TandemError* error);
  void (*destroy)(void* state); /* may be null */
} TandemKernel;

typedef struct TandemGroupBackend {
  size_t size;
  const char* name;
  void* state;
  /* 0: no, with the reason; 1: yes; 2: yes, even alone. */
  int32_t (*supports)(void* state, const TandemNode* node, char* reason,
                      size_t reason_size);
  /* For inputs of the descriptions that group_input_info() gives. Code 12 in
   * *error says that the backend does not do this, any other that it failed:
   * kernels run the group then. */
  int32_t (*compile)(void* state, const TandemGroup* group, void** executable,
                     TandemError* error);
  /* Any number of threads at once. Outputs are new tensors. */
  int32_t (*run)(void* state, void* executable, TandemCall* call,
                 TandemError* error);
  void (*destroy_executable)(void* state, void* executable);
  void (*destroy)(void* state); /* may be null */
} TandemGroupBackend;

typedef struct TandemPass {
  size_t size;
  const char* name;
  void* state;
  /* Gets a graph as canonical text (docs/ir.md), without locations; constants
   * that are too large to be written stand as references, which must stay.
   * Appends the whole new graph to `out` and returns 1, or returns 0 when
   * nothing changes, -1 with *error. What is written is parsed and verified. */
  int32_t (*run)(void* state, const char* graph, size_t graph_size,
                 TandemText* out, TandemError* error);
  void (*destroy)(void* state); /* may be null */
} TandemPass;

/* What tandem gives to plugins. */
typedef struct TandemHost {
  size_t size;
  uint32_t abi_version;

  /* Registration: only inside of init(). Strings and structs are copied. */
  int32_t (*add_operator)(TandemRegistry*, const char* schema,
                          const char* family, uint32_t effects, TandemError*);
  int32_t (*add_kernel)(TandemRegistry*, const char* backend,
                        const char* operator_name, const TandemKernel*,
                        TandemError*);
  int32_t (*add_group_backend)(TandemRegistry*, const TandemGroupBackend*,
                               TandemError*);
  int32_t (*add_pass)(TandemRegistry*, const TandemPass*, TandemError*);

  /* A call. Setting an output takes an owned tensor over. */
  int32_t (*num_inputs)(const TandemCall*);
  int32_t (*num_outputs)(const TandemCall*);
  const TandemValue* (*input)(const TandemCall*, int32_t);
  int32_t (*set_tensor)(TandemCall*, int32_t, TandemTensor*, TandemError*);
  int32_t (*set_int)(TandemCall*, int32_t, int64_t, TandemError*);
  int32_t (*set_double)(TandemCall*, int32_t, double, TandemError*);
  int32_t (*set_bool)(TandemCall*, int32_t, int32_t, TandemError*);

  /* Values. Reading one as what it is not gives 0 or null. */
  int32_t (*kind)(const TandemValue*);
  const TandemTensor* (*as_tensor)(const TandemValue*);
  int64_t (*as_int)(const TandemValue*);
  double (*as_double)(const TandemValue*); /* of an int as well */
  int32_t (*as_bool)(const TandemValue*);
  const char* (*as_string)(const TandemValue*, size_t* length);
  size_t (*list_size)(const TandemValue*);
  const TandemValue* (*list_element)(const TandemValue*, size_t);

  /* Tensors. */
  void (*tensor_info)(const TandemTensor*, TandemTensorInfo* info);
  /* Owned, contiguous, not initialised. */
  int32_t (*tensor_empty)(const int64_t* sizes, int32_t dim, int32_t dtype,
                          TandemTensor** out, TandemError*);
  /* Owned: another handle to the same tensor. */
  TandemTensor* (*tensor_share)(const TandemTensor*);
  void (*tensor_release)(TandemTensor*);

  /* Nodes and groups. */
  const char* (*node_name)(const TandemNode*); /* "aten::add.Tensor" */
  int32_t (*node_num_inputs)(const TandemNode*);
  int32_t (*node_num_outputs)(const TandemNode*);
  /* Null when the argument is known only while the program runs. */
  const TandemValue* (*node_constant)(const TandemNode*, int32_t input);
  int32_t (*group_num_inputs)(const TandemGroup*);
  int32_t (*group_num_outputs)(const TandemGroup*);
  /* `data` is null. False: the input is a number. */
  int32_t (*group_input_info)(const TandemGroup*, int32_t, TandemTensorInfo*);
  int32_t (*group_num_nodes)(const TandemGroup*);
  const TandemNode* (*group_node)(const TandemGroup*, int32_t);
  /* Values have numbers: the group's inputs 0, 1, ...; then results of nodes in
   * order. -1: a constant. */
  int32_t (*group_node_input)(const TandemGroup*, int32_t node, int32_t input);
  int32_t (*group_node_output)(const TandemGroup*, int32_t node,
                               int32_t output);
  int32_t (*group_output)(const TandemGroup*, int32_t);

  void (*text_append)(TandemText*, const char* text, size_t length);

  /* Splits [0, total) into pieces of at least `grain` for the caller's threads;
   * fails when the call is cancelled. */
  int32_t (*parallel_for)(int64_t total, int64_t grain,
                          void (*body)(void* state, int64_t begin, int64_t end),
                          void* state, TandemError*);
} TandemHost;

typedef struct TandemPlugin {
  size_t size;
  uint32_t abi_version; /* TANDEM_ABI_VERSION */
  const char* name;     /* unique in a process */
  const char* version;
  int32_t (*init)(const TandemHost* host, TandemRegistry* registry,
                  TandemError* error);
} TandemPlugin;

typedef const TandemPlugin* (*TandemPluginFunction)(void);

#ifdef __cplusplus
}
#endif

#endif /* TANDEM_BACKENDS_ABI_PLUGIN_ABI_H_ */
