"""PSI-KT keeps the contract of models, with made-up parameters and fitted."""

from dataclasses import replace

import pytest

from kt_models.arrays import ResponseArrays
from kt_models.psi_kt.config import CONFIGS
from kt_models.psi_kt.filter import FittedPSIKT
from kt_models.psi_kt.tracer import PSIKTTracer
from tests.kt_models.conformance import TracerConformance
from tests.kt_models.psi_kt.made import made_parameters


class TestPaper(TracerConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, log: ResponseArrays) -> FittedPSIKT:
        return FittedPSIKT(made_parameters("psi_kt", log.skills, log.items))


class TestExtended(TracerConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, log: ResponseArrays) -> FittedPSIKT:
        parameters = made_parameters("psi_kt_extended", log.skills, log.items, max_parents=2)
        return FittedPSIKT(parameters)


class TestUnitSteps(TracerConformance):
    time_unit = "index"

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, log: ResponseArrays) -> FittedPSIKT:
        parameters = made_parameters(
            "psi_kt_extended", log.skills, log.items, time_unit="index", unit_steps=True
        )
        return FittedPSIKT(parameters)


class TestFitted(TracerConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, log: ResponseArrays) -> FittedPSIKT:
        config = replace(CONFIGS["psi_kt_extended"], steps=8, embedding=4)
        return PSIKTTracer("psi_kt_extended", config=config).fit(log, seed=0)
