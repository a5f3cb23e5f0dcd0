"""usage: python3 pytorch.py FOLDER THREADS. Runs a case in PyTorch; prints one line of JSON as the other systems do."""
import json
import math
import sys
import time

import numpy
import torch

folder, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)
case = json.load(open(f"{folder}/case.json"))
raw = open(f"{folder}/data.bin", "rb").read()
data = {
    t["name"]: torch.from_numpy(
        numpy.frombuffer(raw, dtype=t["type"], count=t["length"], offset=t["offset"]).reshape(t["shape"]).copy()
    )
    for t in case["tensors"]
}
kind = case["kind"]
classes = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}


def load(modules):
    for prefix, module in modules.items():
        for name, parameter in module.named_parameters():
            with torch.no_grad():
                parameter.copy_(data[f"{prefix}.{name}"])


def training(modules, loss_of):
    load(modules)
    parameters = [p for m in modules.values() for p in m.parameters()]
    optimizer = torch.optim.Adam(parameters, 1e-3)

    def step():
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 5)
        optimizer.step()
        return loss

    return step, lambda: [step().item() for _ in range(3)]


if kind == "train":
    embedding = torch.nn.Embedding(case["V"], case["E"])
    rnn = classes[case["cell"]](case["E"], case["H"], case["L"])
    head = torch.nn.Linear(case["H"], case["V"])
    tokens, targets = data["tokens"].long(), data["targets"].long().reshape(-1)
    modules = {"embedding": embedding, "rnn": rnn, "head": head}
    run, check = training(
        modules,
        lambda: torch.nn.functional.cross_entropy(head(rnn(embedding(tokens))[0]).reshape(-1, case["V"]), targets),
    )
elif kind == "regress":
    rnn = torch.nn.LSTM(case["D"], case["H"])
    head = torch.nn.Linear(case["H"], case["D"])
    run, check = training(
        {"rnn": rnn, "head": head}, lambda: torch.nn.functional.mse_loss(head(rnn(data["input"])[0]), data["target"])
    )
elif kind in ("sequence", "stream"):
    rnn = torch.nn.LSTM(case["H"], case["H"])
    load({"rnn": rnn})
    stream = kind == "stream"
    rows = data["embedding.weight"].reshape(2, 1, 1, -1) if stream else data["input"].unsqueeze(0)
    state, done = [None], [0]

    def run():
        with torch.inference_mode():
            output, after = rnn(rows[done[0] % len(rows)], state[0])
        done[0] += 1
        if stream:
            state[0] = after
        return output

    def check():
        for _ in range(3 if stream else 1):
            output = run().reshape(-1)
        return output[:3].tolist() + [output.sum().item()]

else:
    run = lambda: data["a"] @ data["b"]
    check = lambda: run().reshape(-1)[:4].tolist()



def timed(together):
    """Wall and processor milliseconds of one of `together` repetitions."""
    c0, t0 = time.process_time(), time.perf_counter()
    for _ in range(together):
        run()
    return (time.perf_counter() - t0) * 1000 / together, (time.process_time() - c0) * 1000 / together


def repeat(together, seconds):
    samples, start = [], time.perf_counter()
    while time.perf_counter() - start < seconds or len(samples) < 3:
        samples.append(timed(together))
    return samples


# The same loop as src/cli/bench/measure.ts.
agree = check()
warm = repeat(1, 0.4)
together = max(1, math.ceil(2 / min(wall for wall, _ in warm)))
samples = repeat(together, 1)
singles = repeat(1, 0.5) if kind == "stream" else samples if together == 1 else []
wall, cpu = sorted(w for w, _ in samples), sorted(c for _, c in samples)
ones = sorted(w for w, _ in singles)
print(
    json.dumps(
        {
            **{"medianMs": wall[len(wall) // 2], "cpuMs": cpu[len(cpu) // 2], "fastestMs": wall[0], "count": len(wall)},
            "p99Ms": ones[int(len(ones) * 0.99)] if len(ones) >= 100 else None,
            "within": (wall[int(len(wall) * 0.9)] - wall[int(len(wall) * 0.1)]) / wall[len(wall) // 2],
            **{"together": together, "agree": agree, "version": torch.__version__},
        }
    )
)
