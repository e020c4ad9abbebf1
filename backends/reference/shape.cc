#include "tandem/backends/reference/shape.h"

#include "tandem/backends/reference/families.h"

namespace tandem::reference {

absl::Status RegisterShape(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  AddShapeCast(r);
  AddShapeComplex(r);
  AddShapeJoin(r);
  AddShapePad(r);
  AddShapeProperty(r);
  AddShapeRearrange(r);
  AddShapeRepeat(r);
  AddShapeScatter(r);
  AddShapeSlice(r);
  AddShapeSplit(r);
  AddShapeView(r);
  return r.status();
}

}  // namespace tandem::reference
