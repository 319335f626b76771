import { type ReadonlySignal, type Signal, useComputed, useSignal } from "@preact/signals";
import { useEffect, useId, useMemo, useRef } from "preact/hooks";
import type { StudioClient } from "../api/client.ts";
import type { Privacy, PrivacySettings, PrivacyState, PrivacyStatus, StudioChannel, Zone } from "../api/types.ts";
import { usePoll } from "../ui/poll.ts";
import { Choice } from "./privacy-choice.tsx";
import { PrivacyStage, PrivacyTestControl } from "./privacy-stage.tsx";
import { PrivacyStore } from "./privacy-store.ts";
import {
  announce,
  FAILURES,
  MODES,
  NOTHING_SAID,
  type PrivacyTest,
  privacyRows,
  STATES,
  STRENGTHS,
  STYLES,
  WHILE_FAILED,
} from "./privacy-words.ts";
import { ZoneList } from "./privacy-zone-list.tsx";
import { describeZone } from "./privacy-zones.ts";

/** The server allows four times a second; while no picture is shown, once is enough. */
const OPEN_MS = 300;
const CLOSED_MS = 1_000;

/** Keys held down are saved when they have been quiet for so long. */
const KEYS_QUIET_MS = 400;

interface PrivacyPanelProps {
  readonly channel: StudioChannel;
  readonly client: StudioClient;
}

/** The notification blur: its switch and settings, what it does just now, and the areas that are always hidden. */
export function PrivacyPanel({ channel, client }: PrivacyPanelProps) {
  const store = useMemo(() => new PrivacyStore(client), [client]);
  const isOpen = useSignal(false);
  usePoll(() => store.refresh(), isOpen.value ? OPEN_MS : CLOSED_MS, store);
  useEffect(() => () => store.flush(), [store]);
  const privacy = store.word.value;
  const settings = store.settings.value;
  if (privacy === undefined || settings === undefined) return null;
  const save = (change: Partial<PrivacySettings>) => store.save(change, "Saved. It holds from the next key frame on.");
  return (
    <section class="panel privacy" aria-labelledby="privacy-title">
      <div class="privacy-head">
        <h2 id="privacy-title">Notification blur</h2>
        <StateBadge state={privacy.status.state} />
      </div>
      <EnableSwitch privacy={privacy} isEnabled={settings.isEnabled} onSwitch={(isEnabled) => save({ isEnabled })} />
      <Problems privacy={privacy} settings={settings} problem={store.problem.value} />
      {settings.isEnabled && <PrivacyFigures status={privacy.status} />}
      <Choice legend="Phone" options={STYLES} value={settings.style} onChoose={(style) => save({ style })} />
      <Choice
        legend="Strength"
        options={STRENGTHS}
        value={settings.strength}
        onChoose={(strength) => save({ strength })}
      />
      <Workbench channel={channel} client={client} store={store} isOpen={isOpen} />
      <Advanced settings={settings} onChange={save} />
      <p class="form-said" role="status">
        {store.said.value}
      </p>
    </section>
  );
}

/** The visible badge is no live region: it changes with every notification. */
function StateBadge({ state }: { state: PrivacyState }) {
  const said = useRef(NOTHING_SAID);
  said.current = announce(said.current, state, performance.now());
  const { label, badge } = STATES[state];
  return (
    <>
      <span class={badge}>{label}</span>
      <span class="visually-hidden privacy-said" aria-live="polite">
        {said.current.text}
      </span>
    </>
  );
}

interface EnableSwitchProps {
  readonly privacy: Privacy;
  readonly isEnabled: boolean;
  readonly onSwitch: (isEnabled: boolean) => void;
}

/** Where the blur is unavailable it can still be switched off. */
function EnableSwitch({ privacy, isEnabled, onSwitch }: EnableSwitchProps) {
  return (
    <label class="switch">
      <input
        type="checkbox"
        role="switch"
        aria-checked={isEnabled}
        checked={isEnabled}
        disabled={!privacy.isAvailable && !isEnabled}
        onChange={(event) => onSwitch(event.currentTarget.checked)}
      />
      <span class="switch-track" aria-hidden="true" />
      <span>
        Hide notifications
        <span class="hint">
          Finds messages, mails and calls that slide into your picture and makes them unreadable before viewers see
          them.
        </span>
      </span>
    </label>
  );
}

interface ProblemsProps {
  readonly privacy: Privacy;
  readonly settings: PrivacySettings;
  readonly problem: string | undefined;
}

function Problems({ privacy, settings, problem }: ProblemsProps) {
  const { status } = privacy;
  return (
    <>
      {!privacy.isAvailable && (
        <div class="notice notice-warning">
          <strong>This server cannot hide notifications</strong>
          {privacy.unavailableReason !== null && <p>{privacy.unavailableReason}</p>}
          <p>
            Whoever runs the server can mend it: install the optional package <code>node-av</code>, which reads and
            writes pictures, and start the server again. Ask them if that is not you.
          </p>
        </div>
      )}
      {privacy.isAvailable && status.state === "failed" && (
        <div class="notice notice-error" role="alert">
          <strong>The filter has failed and is being started again</strong>
          <p>
            {status.message !== null && `${status.message}. `}
            {WHILE_FAILED[settings.onFailure]}
          </p>
        </div>
      )}
      {settings.isEnabled && settings.onFailure === "pass" && status.state !== "failed" && (
        <p class="notice notice-warning">
          When the filter fails, viewers see everything: you chose to go on unprotected, under Advanced.
        </p>
      )}
      {problem !== undefined && (
        <p class="notice notice-error" role="alert">
          {problem}
        </p>
      )}
    </>
  );
}

function PrivacyFigures({ status }: { status: PrivacyStatus }) {
  return (
    <dl class="health-figures privacy-figures">
      {privacyRows(status, Date.now()).map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

interface WorkbenchProps extends PrivacyPanelProps {
  readonly store: PrivacyStore;
  readonly isOpen: Signal<boolean>;
}

/** The picture, the test and the areas; folded away until wanted, and nothing is asked for while it is. */
function Workbench({ channel, client, store, isOpen }: WorkbenchProps) {
  const test = useSignal<PrivacyTest | undefined>(undefined);
  const privacy = store.word.value;
  const zones = useZones(store).value;
  const isOn = privacy?.settings.isEnabled === true;
  const obstacle = privacy?.isAvailable === false ? "UNAVAILABLE" : isOn ? undefined : "PRIVACY_OFF";
  const change = (changed: readonly Zone[], said: string) => store.save({ zones: changed }, said);
  const remove = (index: number) => change(zones.toSpliced(index, 1), `Area ${index + 1} deleted`);
  return (
    <details
      class="privacy-workbench"
      open={isOpen.value}
      onToggle={(event) => {
        isOpen.value = event.currentTarget.open;
        if (!isOpen.value) test.value = undefined;
      }}
    >
      <summary>Picture, test and areas{zones.length > 0 && ` (${zones.length})`}</summary>
      {isOpen.value && (
        <div class="privacy-columns">
          <PrivacyStage
            channel={channel}
            client={client}
            zones={zones}
            regions={privacy?.status.regions ?? []}
            obstacle={obstacle}
            test={test}
            onDrag={(dragged) => store.stage({ zones: dragged }, "Areas saved")}
            onFinish={() => store.flush()}
            onCancel={() => store.unstage()}
            onStep={(stepped, index) => {
              const zone = stepped[index];
              const said = zone === undefined ? "" : `Area ${index + 1} saved: ${describeZone(zone)}`;
              store.stage({ zones: stepped }, said, KEYS_QUIET_MS);
            }}
            onDelete={remove}
          />
          <div class="privacy-side">
            <PrivacyTestControl test={test} obstacle={obstacle} />
            <ZoneList zones={zones} isIdle={obstacle !== undefined} onChange={change} onDelete={remove} />
          </div>
        </div>
      )}
    </details>
  );
}

function useZones(store: PrivacyStore): ReadonlySignal<readonly Zone[]> {
  return useComputed(() => store.settings.value?.zones ?? []);
}

interface AdvancedProps {
  readonly settings: PrivacySettings;
  readonly onChange: (change: Partial<PrivacySettings>) => void;
}

function Advanced({ settings, onChange }: AdvancedProps) {
  const id = useId();
  return (
    <details class="privacy-advanced">
      <summary id={id}>Advanced</summary>
      <div class="privacy-choices">
        <Choice legend="Encoding" options={MODES} value={settings.mode} onChoose={(mode) => onChange({ mode })} />
        <Choice
          legend="When the filter fails"
          options={FAILURES}
          value={settings.onFailure}
          onChoose={(onFailure) => onChange({ onFailure })}
        />
        {settings.onFailure === "pass" && (
          <p class="notice notice-error" role="alert">
            <span>
              <strong>Notifications will be seen.</strong> While the filter is down nothing is hidden, not even the
              areas that you drew.
            </span>
          </p>
        )}
      </div>
    </details>
  );
}
