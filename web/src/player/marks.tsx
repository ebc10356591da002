import { useMemo } from "react";
import type { Finding } from "../api/types";
import { GAZE_COLOUR, MASK_COLOUR, POSE_COLOUR } from "../lanes/colours";
import { gazeOf, skeletonOf } from "./body";
import { maskOf, maskOutline, maskPath } from "./mask";
import type { Size } from "./use-element-size";

/** A mask as a shade with an edge, and its middle. */
export function MaskMark({ finding, source }: { finding: Finding; source: Size }) {
  const paths = useMemo(() => {
    const mask = maskOf(finding.value);
    return mask && { area: maskPath(mask, source), edge: maskOutline(mask, source) };
  }, [finding, source]);
  if (!paths) return null;
  return (
    <g className={`mask colour-${MASK_COLOUR}`} data-label={finding.label}>
      <path className="mask-area" d={paths.area} />
      <path className="mask-edge" d={paths.edge} />
    </g>
  );
}

const JOINT_PX = 2.6;
const TEXT_PX = 12;

/** A person as a skeleton, with what the pose looks like. Unsure points are faint. */
export function PoseMark({ finding, pixel }: { finding: Finding; pixel: number }) {
  const skeleton = skeletonOf(finding.value);
  if (!skeleton) return null;
  const [x = 0, y = 0, width = 0, height = 0] = finding.box ?? [];
  const words = skeleton.gestures.map((each) => each.replaceAll("_", " ")).join(", ");
  return (
    <g className={`pose colour-${POSE_COLOUR}`} data-label={finding.label}>
      {skeleton.limbs.map(({ from, to, side, sure }, index) => (
        <line key={index} className={`limb ${side}${sure ? "" : " unsure"}`} x1={from[0]} y1={from[1]} x2={to[0]} y2={to[1]} />
      ))}
      {skeleton.joints.map(({ at, sure }, index) => sure && <circle key={index} cx={at[0]} cy={at[1]} r={JOINT_PX * pixel} />)}
      {words !== "" && (
        <text className="outlined" x={x + width / 2} y={y + height - 5 * pixel} fontSize={TEXT_PX * pixel} strokeWidth={3 * pixel} textAnchor="middle">
          {words}
        </text>
      )}
    </g>
  );
}

const IRIS_PX = 3;
const HEAD_PX = 9;
const CAMERA_PX = 12;

/** Irises, and where a look goes: an arrow to the side, a ring for the camera. */
export function GazeMark({ finding, pixel }: { finding: Finding; pixel: number }) {
  const gaze = gazeOf(finding.value, finding.box ?? []);
  return (
    <g className={`gaze colour-${GAZE_COLOUR}`} data-label={finding.label} data-direction={gaze.direction}>
      {gaze.irises.map(([x, y], index) => (
        <circle key={index} className="iris" cx={x} cy={y} r={IRIS_PX * pixel} />
      ))}
      {gaze.arrow && (
        <>
          <line x1={gaze.arrow.from[0]} y1={gaze.arrow.from[1]} x2={gaze.arrow.to[0]} y2={gaze.arrow.to[1]} />
          <path className="arrow-head" d={arrowHead(gaze.arrow.from, gaze.arrow.to, HEAD_PX * pixel)} />
        </>
      )}
      {gaze.middle && gaze.direction === "camera" && <circle className="at-camera" cx={gaze.middle[0]} cy={gaze.middle[1]} r={CAMERA_PX * pixel} />}
    </g>
  );
}

/** A triangle at the end of a line. */
function arrowHead(from: [number, number], to: [number, number], size: number): string {
  const angle = Math.atan2(to[1] - from[1], to[0] - from[0]);
  const corner = (turn: number) => `${to[0] - Math.cos(angle + turn) * size} ${to[1] - Math.sin(angle + turn) * size}`;
  return `M${to[0]} ${to[1]}L${corner(0.45)}L${corner(-0.45)}Z`;
}
