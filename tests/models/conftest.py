from tests.servers.fixtures import hub, real_server, tiny_checkpoint

__all__ = ["hub", "real_server", "tiny_checkpoint"]
