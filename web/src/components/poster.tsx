import { useState } from "react";
import type { Decision, HumanLabel } from "../api/types";
import { useSettings } from "../settings/settings";
import { Icon } from "./icon";

/** Whether a picture is to be hidden at first: a person's label counts more than the verdict. */
export function isFlagged(decision: Decision, label: HumanLabel | null | undefined): boolean {
  const said = label?.label ?? decision;
  return said === "harmful" || said === "review";
}

interface Props {
  url: string | null | undefined;
  decision: Decision;
  label: HumanLabel | null | undefined;
}

/** A video's picture, blurred when the video is flagged; a sign where there is none. Always beside a title, so no text. */
export function Poster({ url, decision, label }: Props) {
  const { blurFlagged } = useSettings();
  const [broken, setBroken] = useState<string>();
  if (!url || broken === url) {
    return (
      <div className="poster none">
        <Icon name="film" />
      </div>
    );
  }
  const blurred = blurFlagged && isFlagged(decision, label);
  return (
    <div className={blurred ? "poster blurred" : "poster"}>
      <img src={url} alt="" loading="lazy" decoding="async" onError={() => setBroken(url)} />
    </div>
  );
}
