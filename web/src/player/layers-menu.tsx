import { useId } from "react";
import { Icon } from "../components/icon";
import { usePopover } from "../components/use-popover";
import { changeSettings, useSettings } from "../settings/settings";
import { LAYERS, switchLayer } from "./layers";

interface Props {
  /** Analysers that looked: what the others would draw is not there. */
  looked: ReadonlySet<string>;
  /** Whether the chosen layers are drawn now. */
  drawn: boolean;
  onDrawn: () => void;
}

/** Which layers are drawn over the picture, as a panel of check boxes that opens upwards. */
export function LayersMenu({ looked, drawn, onDrawn }: Props) {
  const { box, button, open, toggle } = usePopover();
  const { layers } = useSettings();
  const panel = useId();
  const on = drawn ? LAYERS.filter((layer) => layers.includes(layer.id) && looked.has(layer.analyser)).length : 0;
  return (
    <div className="menu" ref={box}>
      <button ref={button} type="button" className="button quiet small layers-button" aria-expanded={open} aria-controls={panel} onClick={toggle}>
        <Icon name="layers" />
        <span>Layers</span>
        <small>{on}</small>
      </button>
      <div className="menu-panel upward" id={panel} hidden={!open} role="group" aria-label="Layers over the picture">
        {LAYERS.map((layer) => (
          <label key={layer.id} className="check">
            <input
              type="checkbox"
              checked={layers.includes(layer.id)}
              onChange={() => changeSettings({ layers: switchLayer(layers, layer.id) })}
            />
            <span>{layer.title}</span>
            {!looked.has(layer.analyser) ? <small className="muted">did not look</small> : layer.guess && <small className="origin guess">guess</small>}
          </label>
        ))}
        <p className="muted layers-note">Ages, expressions and gazes are guesses of small models. They never decide anything.</p>
        <button type="button" className="button small" onClick={onDrawn}>
          {drawn ? "Hide all" : "Show the chosen"} <kbd>B</kbd>
        </button>
      </div>
    </div>
  );
}
