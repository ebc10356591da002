import { Dialog } from "../components/dialog";
import { changeSettings, useSettings } from "../settings/settings";

const GROUPS: { title: string; keys: [string[], string][] }[] = [
  {
    title: "Everywhere",
    keys: [
      [["?"], "This help"],
      [["/"], "Filter the library"],
      [["Esc"], "Close a dialog or menu"],
    ],
  },
  {
    title: "Video",
    keys: [
      [["Space", "K"], "Play or pause"],
      [["J", "L"], "Back or forward 10 s"],
      [["←", "→"], "Back or forward 2 s"],
      [[",", "."], "One frame back or forward"],
      [["M"], "Sound on or off"],
      [["F"], "Full screen"],
      [["B"], "Layers over the picture on or off"],
      [["V"], "Reveal or blur a flagged picture"],
    ],
  },
  {
    title: "Lanes",
    keys: [
      [["N", "P"], "Next or previous finding of the chosen lane"],
      [["+", "−"], "Zoom in or out"],
      [["0"], "Show everything"],
    ],
  },
  {
    title: "Review",
    keys: [
      [["1"], "Label as safe (asks first)"],
      [["2"], "Label as harmful (asks first)"],
    ],
  },
];

export function HelpDialog({ onClose }: { onClose: () => void }) {
  const { shortcuts } = useSettings();
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <div className="help">
        {GROUPS.map((group) => (
          <section key={group.title}>
            <h3>{group.title}</h3>
            <dl>
              {group.keys.map(([keys, what]) => (
                <div key={what}>
                  <dt>
                    {keys.map((key) => (
                      <kbd key={key}>{key}</kbd>
                    ))}
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <label className="check">
        <input type="checkbox" checked={shortcuts} onChange={(event) => changeSettings({ shortcuts: event.target.checked })} />
        Single-key shortcuts
      </label>
    </Dialog>
  );
}
