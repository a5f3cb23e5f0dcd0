"""Makes the files of this folder: models of PyTorch as other programs save them, and what they give.

Made with PyTorch 2.13.0, PyTorch Lightning 2.6.6 and NumPy 2.4.6: python3 make.py
"""

import json
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune, weight_norm

here = Path(__file__).parent
torch.manual_seed(0)
expected = {}


class Model(pl.LightningModule):
    def __init__(self, width=3, rate=0.1, scale=np.float64(0.5), depth=np.int64(1), small=np.float32(2), tied=np.bool_(True)):
        super().__init__()
        self.save_hyperparameters()
        self.lstm = nn.LSTM(4, width, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * width, 2)

    def forward(self, x):
        return self.out(self.lstm(x)[0])

    def training_step(self, batch, _):
        loss = ((self(batch[0]) - batch[1]) ** 2).mean()
        self.log("loss", loss)
        return loss

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), 1e-2)
        return [optimizer], [torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 8)]


def keep(name, model, plain):
    """What the model gives, and its weights as a module that keeps them in one tensor each has them."""
    x = torch.randn(2, 5, 4)
    with torch.no_grad():
        y = model.eval()(x)
    array = lambda t: {"shape": list(t.shape), "data": t.reshape(-1).tolist()}
    expected[name] = {"x": array(x), "y": array(y), "weights": {key: array(value) for key, value in plain.items()}}


def plain(model):
    """Names and products of a module's weights, whatever it keeps them as."""
    names = [f"{path}.{name}" for path, one in [("lstm", nn.LSTM(4, 3, bidirectional=True)), ("out", nn.Linear(6, 2))] for name in one.state_dict()]
    with torch.no_grad():
        model(torch.zeros(1, 1, 4))
        return {name: getattr(model.get_submodule(name.split(".")[0]), name.split(".")[1]).detach() for name in names}


model = Model()
data = torch.utils.data.TensorDataset(torch.randn(8, 5, 4), torch.randn(8, 5, 2))
callbacks = [pl.callbacks.EarlyStopping("loss"), pl.callbacks.ModelCheckpoint("/tmp", "lightning", monitor="loss")]
trainer = pl.Trainer(max_epochs=2, callbacks=callbacks, logger=False, enable_progress_bar=False, accelerator="cpu")
trainer.fit(model, torch.utils.data.DataLoader(data, batch_size=4))
Path("/tmp/lightning.ckpt").rename(here / "lightning.ckpt")
model = Model.load_from_checkpoint(here / "lightning.ckpt", weights_only=False)
keep("lightning.ckpt", model, plain(model))

model = Model()
prune.random_unstructured(model.lstm, "weight_hh_l0", 0.4)
prune.ln_structured(model.lstm, "weight_ih_l0_reverse", 0.3, n=2, dim=0)
prune.l1_unstructured(model.out, "weight", 0.5)
torch.save(model.state_dict(), here / "pruned.pt")
keep("pruned.pt", model, plain(model))

for name, normalize in [("weight_norm", weight_norm), ("parametrized", parametrizations.weight_norm)]:
    model = Model()
    normalize(model.lstm, "weight_hh_l0")
    normalize(model.out, "weight", dim=None if name == "weight_norm" else 0)
    with torch.no_grad():
        for p in model.parameters():
            p += 0.3 * torch.randn_like(p)
    torch.save(model.state_dict(), here / f"{name}.pt")
    keep(f"{name}.pt", model, plain(model))

json.dump(expected, open(here / "expected.json", "w"))
