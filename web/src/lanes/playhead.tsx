import { useEffect, useRef } from "react";
import type { Clock } from "../player/clock";

/** The line at the current moment. It is moved directly, not by rendering: it moves with every frame. */
export function Playhead({ clock, scale }: { clock: Clock; scale: number }) {
  const line = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const move = () => {
      if (line.current) line.current.style.transform = `translateX(${clock.nowMs() * scale}px)`;
    };
    move();
    return clock.subscribe(move);
  }, [clock, scale]);
  return <div ref={line} className="playhead" aria-hidden="true" />;
}
