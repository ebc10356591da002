/** What can be drawn over the picture: one layer per analyser that says where something is; pure. */

export const LAYERS = [
  { id: "masks", title: "People masks", analyser: "background_segmentation", guess: false },
  { id: "objects", title: "Objects", analyser: "object_detection", guess: false },
  { id: "text", title: "Text", analyser: "text_overlay", guess: false },
  { id: "poses", title: "Poses", analyser: "body_pose", guess: false },
  { id: "faces", title: "Faces, age, expression", analyser: "age_estimation", guess: true },
  { id: "gaze", title: "Gaze", analyser: "eye_tracking", guess: true },
] as const;

export type Layer = (typeof LAYERS)[number];
export type LayerId = Layer["id"];

/** Shown until somebody chooses: the others cover much, or guess about persons. */
export const LAYERS_AT_FIRST: readonly LayerId[] = ["objects"];

/** The layers of these names, in the order in which they lie over each other. */
export function chosenLayers(names: readonly string[]): Layer[] {
  return LAYERS.filter((layer) => names.includes(layer.id));
}

/** The names with `id` added or taken out. */
export function switchLayer(names: readonly string[], id: LayerId): string[] {
  return names.includes(id) ? names.filter((each) => each !== id) : [...names, id];
}
