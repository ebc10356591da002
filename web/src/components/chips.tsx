import type { Analysis, Decision, HumanLabel, VideoStatus } from "../api/types";
import { ANALYSIS_WORDS, DECISION_MEANING, DECISION_WORDS, STATUS_WORDS } from "../format/words";
import { Icon, type IconName } from "./icon";

const DECISION_ICONS: Record<Decision, IconName | undefined> = {
  pending: undefined,
  safe: "check",
  harmful: "warning",
  review: "eye",
  unknown: "info",
};

/** What was decided, in a word, a colour and a sign. */
export function DecisionChip({ decision }: { decision: Decision }) {
  const icon = DECISION_ICONS[decision];
  return (
    <span className={`chip decision-${decision}`} title={DECISION_MEANING[decision]}>
      {icon && <Icon name={icon} />}
      {DECISION_WORDS[decision]}
    </span>
  );
}

/** Packaging; nothing for `ready`, which is what everybody expects. */
export function StatusChip({ status }: { status: VideoStatus }) {
  if (status === "ready") return null;
  const tone = status === "failed" ? "bad" : "busy";
  return <span className={`chip status-${tone}`}>{STATUS_WORDS[status]}</span>;
}

/** Analysis; nothing for `done`. */
export function AnalysisChip({ analysis }: { analysis: Analysis }) {
  if (analysis === "done") return null;
  const tone = analysis === "queued" || analysis === "running" ? "busy" : analysis === "partial" ? "warn" : "bad";
  return <span className={`chip status-${tone}`}>{ANALYSIS_WORDS[analysis]}</span>;
}

/** What a person said; beside the decision, never instead of it. */
export function LabelChip({ label }: { label: HumanLabel }) {
  const who = label.by_name ?? label.by;
  return (
    <span className={`chip outline decision-${label.label}`} title={`Labelled by ${who}`}>
      <Icon name="user" />
      {DECISION_WORDS[label.label]}
    </span>
  );
}
